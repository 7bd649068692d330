"""Laws of what all drivers share."""

from __future__ import annotations

import pytest

from drivers.link import own
from drivers.modbus.settings import TcpSettings as ModbusSettings
from drivers.mqtt.address import DeviceSettings as MqttSettings


def test_a_driver_takes_its_own_models_and_refuses_another_driver_s() -> None:
    settings = ModbusSettings(host="10.0.0.1")
    assert own(ModbusSettings, settings, "plc") is settings
    with pytest.raises(TypeError, match=r"mqtt\.address\.DeviceSettings for plc, got drivers\.modbus\.settings"):
        own(MqttSettings, settings, "plc")
