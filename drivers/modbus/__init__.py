"""Modbus TCP: coils, discrete inputs, input and holding registers; writes to coils and holding registers."""

from drivers.modbus.driver import KIND

__all__ = ["KIND"]
