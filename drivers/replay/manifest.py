"""What the replay driver can do. A claim that tests/drivers/conformance holds it to."""

from __future__ import annotations

from gateway.driver import Manifest

MANIFEST = Manifest(
    transports=frozenset({"csv", "parquet"}),
    polls=False,
    writes=False,
    source_time=True,
    source_quality=True,
)
