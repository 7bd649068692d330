"""MQTT 3.1.1: sensors that publish numbers or JSON; outputs that are published and confirmed by the broker."""

from drivers.mqtt.driver import KIND

__all__ = ["KIND"]
