"""The least that can poll a device on time: pymodbus' own client, one read every period, nothing made of it.

Writes when each answer had come (microseconds since 1970, one a line); what any period of a bench stands beside.
"""

from __future__ import annotations

import asyncio
import os
import sys
import time
from pathlib import Path

from pymodbus.client import AsyncModbusTcpClient


async def poll(port: int, count: int, period: float, file: Path) -> None:
    """For ever; a period that is missed is left out, as the driver does it."""
    client = AsyncModbusTcpClient("127.0.0.1", port=port)
    await client.connect()
    loop = asyncio.get_running_loop()
    due = loop.time()
    with file.open("w", buffering=1, encoding="ascii") as told:
        while True:
            await client.read_holding_registers(0, count=count)
            told.write(f"{time.time_ns() // 1000}\n")
            due += period * (max(0.0, loop.time() - due) // period + 1)
            await asyncio.sleep(due - loop.time())


if __name__ == "__main__":
    os.sched_setaffinity(0, {int(sys.argv[5])})
    asyncio.run(poll(int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3]), Path(sys.argv[4])))
