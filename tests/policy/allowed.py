"""What breaks a policy and is known to: these lists may only shrink. An entry without a breach fails its test."""

from __future__ import annotations

LONGER: dict[str, int] = {}
"""`file` or `file:function` to the lines it has, beyond the budget."""

BROAD_EXCEPTS: frozenset[str] = frozenset(
    {
        "drivers/modbus/driver.py:ModbusDriver._repeat",
        "drivers/mqtt/driver.py:MqttDriver._samples",
        "drivers/sparkplug/driver.py:SparkplugDriver._take",
        "gateway/runtime/supervise.py:attempt",
        "gateway/runtime/supervise.py:supervise",
    }
)
"""Supervision points: where one part's bug must not take the others with it."""
