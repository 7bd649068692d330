"""Every way in which every driver reaches a device. A new driver adds its rig here, and nothing else."""

from __future__ import annotations

from tests.drivers.conformance.modbus_rig import ModbusRtuOverTcpRig, ModbusSerialRig, ModbusTcpRig, ModbusTlsRig
from tests.drivers.conformance.mqtt_rig import MqttFiveRig, MqttTcpRig, MqttTlsRig
from tests.drivers.conformance.replay_rig import CsvRig, ParquetRig
from tests.drivers.conformance.rig import Rig
from tests.drivers.conformance.sparkplug_rig import SparkplugTcpRig, SparkplugTlsRig

RIGS: tuple[type[Rig], ...] = (
    ModbusTcpRig,
    ModbusTlsRig,
    ModbusRtuOverTcpRig,
    ModbusSerialRig,
    MqttTcpRig,
    MqttFiveRig,
    MqttTlsRig,
    SparkplugTcpRig,
    SparkplugTlsRig,
    CsvRig,
    ParquetRig,
)
