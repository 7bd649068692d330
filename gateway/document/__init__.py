"""Files that people write: YAML whose every value knows its place, and what is wrong with it in words that help.

Knows nothing of plants or rules; never raises for what a person wrote.
"""

from gateway.document.document import Document, Path
from gateway.document.explain import problems_of
from gateway.document.reader import read_file, read_yaml
from gateway.document.words import one_of, show

__all__ = [
    "Document",
    "Path",
    "one_of",
    "problems_of",
    "read_file",
    "read_yaml",
    "show",
]
