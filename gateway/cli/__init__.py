"""The command line. Commands are listed here and imported when they are called, and not before."""

from gateway.cli.group import main

__all__ = ["main"]
