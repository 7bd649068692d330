"""Recorded data, played back: CSV and Parquet files at any speed, for trials, training and proofs."""

from drivers.replay.driver import KIND

__all__ = ["KIND"]
