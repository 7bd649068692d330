"""Implementations of the contracts in `gateway.store`, one per file, named for what they stand on.

They are named in `gateway.app` and nowhere else.
"""
