"""The base of every section's shape in a plant file. Knows no section."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class Shape(BaseModel):
    """Base of every section: unknown fields are mistakes."""

    model_config = ConfigDict(extra="forbid", use_attribute_docstrings=True)
