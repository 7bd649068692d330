"""The rule language, its compiler and kernels; `packs/` holds the criteria as data.

Pure: imports the gateway's contracts and NumPy, never a clock, a socket or a store.
"""

from rules.compiler import compile  # noqa: A004
from rules.lint import lint
from rules.packs import PACKS, Pack, Packs, load_criteria, load_packs
from rules.program import CompiledProgram, LimitInForce, Plan, Skipped

__all__ = [
    "PACKS",
    "CompiledProgram",
    "LimitInForce",
    "Pack",
    "Packs",
    "Plan",
    "Skipped",
    "compile",
    "lint",
    "load_criteria",
    "load_packs",
]
