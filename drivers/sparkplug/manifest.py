"""What the Sparkplug driver can do. A claim that tests/drivers/conformance holds it to."""

from __future__ import annotations

from gateway.driver import Manifest

MANIFEST = Manifest(
    transports=frozenset({"tcp", "tls"}),
    polls=False,
    writes=True,
    source_time=True,
    source_quality=True,
)
