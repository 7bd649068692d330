"""Sparkplug B as a host application: edge nodes and their devices are born, speak, die, and are asked to begin anew."""

from drivers.sparkplug.driver import KIND

__all__ = ["KIND"]
