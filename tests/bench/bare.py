"""The least that can poll, compare and write: what any figure of the latency bench stands beside.

Audited, proven, shown to anybody: none of it. Same device, same period, pymodbus' own client. Given a file,
it syncs 4 KiB there before it writes: the least that can say afterwards what it did.
"""

from __future__ import annotations

import asyncio
import os
import sys

from pymodbus.client import AsyncModbusTcpClient


async def poll(port: int, address: int, limit: int, period: float, file: int | None) -> None:
    """Write the coil at `address` once each time its register goes above the limit."""
    client = AsyncModbusTcpClient("127.0.0.1", port=port)
    await client.connect()
    loop = asyncio.get_running_loop()
    due, above = loop.time(), False
    while True:
        read = await client.read_holding_registers(address, count=2)
        breached = read.registers[0] > limit
        if breached and not above:
            if file is not None:
                await asyncio.to_thread(_sync, file)
            await client.write_coil(address, True)
        above = breached
        due += period
        await asyncio.sleep(max(0.0, due - loop.time()))


def _sync(file: int) -> None:
    os.write(file, bytes(4096))
    os.fdatasync(file)


if __name__ == "__main__":
    synced = os.open(sys.argv[5], os.O_CREAT | os.O_WRONLY, 0o600) if len(sys.argv) > 5 else None
    asyncio.run(poll(int(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), float(sys.argv[4]), synced))
