"""Accidents as data files, and the player that applies them to a plant model."""
