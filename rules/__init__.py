"""The rule language, its compiler and kernels; `packs/` holds the criteria as data.

Pure: imports the gateway's contracts and NumPy, never a clock, a socket or a store.
"""

from rules.packs import PACKS, load_criteria

__all__ = ["PACKS", "load_criteria"]
