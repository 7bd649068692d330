"""The least that can poll, compare and write: what any figure of the latency bench stands beside.

Durable, audited, proven, shown to nobody: none of it. Same device, same period, pymodbus' own client.
"""

from __future__ import annotations

import asyncio
import sys

from pymodbus.client import AsyncModbusTcpClient


async def poll(port: int, address: int, limit: int, period: float) -> None:
    """Write the coil at `address` once each time its register goes above the limit."""
    client = AsyncModbusTcpClient("127.0.0.1", port=port)
    await client.connect()
    loop = asyncio.get_running_loop()
    due, above = loop.time(), False
    while True:
        read = await client.read_holding_registers(address, count=2)
        breached = read.registers[0] > limit
        if breached and not above:
            await client.write_coil(address, True)
        above = breached
        due += period
        await asyncio.sleep(max(0.0, due - loop.time()))


if __name__ == "__main__":
    asyncio.run(poll(int(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), float(sys.argv[4])))
