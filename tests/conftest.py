"""What holds for every test: time is measured by benches, so a slow machine fails no property."""

from __future__ import annotations

from hypothesis import settings

settings.register_profile("tocsin", deadline=None)
settings.load_profile("tocsin")
