"""What the Modbus driver can do. A claim that tests/drivers/conformance holds it to."""

from __future__ import annotations

from gateway.driver import Manifest

MANIFEST = Manifest(
    transports=frozenset({"tcp"}),
    polls=True,
    writes=True,
    source_time=False,
    source_quality=True,
)
