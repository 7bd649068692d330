"""Modbus over TCP, TLS, serial lines (RTU) and RTU over TCP: all four tables read, coils and registers written."""

from drivers.modbus.driver import KIND, KINDS

__all__ = ["KIND", "KINDS"]
