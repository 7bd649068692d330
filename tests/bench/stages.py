"""The stages of a start, one after the other in a fresh process, as JSON on standard output."""

from __future__ import annotations

import asyncio
import json
import sys
import time
from pathlib import Path


async def main(plant_file: Path, data: Path) -> None:
    told: dict[str, float] = {}
    since = time.perf_counter()

    def mark(stage: str) -> None:
        nonlocal since
        now = time.perf_counter()
        told[stage], since = (now - since) * 1000, now

    from gateway import app
    from gateway.cli import process
    from gateway.station import Station

    if not callable(process.run_gateway):
        raise TypeError("expected the gateway's process")
    mark("import")
    app.load_packs()
    mark("read the packs")
    plant, program = app.load(plant_file)
    mark("load the plant and compile its rules")
    station = await Station.open(plant, program, app.DRIVERS, data)
    mark("open the stores")
    await station.history.close()
    await station.journal.close()
    sys.stdout.write(json.dumps(told) + "\n")


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), Path(sys.argv[2])))
