"""A child that must not outlive its parent: it ends when the pipe on its standard input closes.

Works for any death of the parent, SIGKILL included, because the kernel closes the pipe.
"""

from __future__ import annotations

import os
import signal
import threading

STDIN = 0

GRACE = 10.0
"""Seconds for an orderly end before the process is ended hard."""


def end_with_parent() -> None:
    """Watch standard input from a thread; at its end ask this process to stop, then insist."""

    def watch() -> None:
        # The bare descriptor: a thread inside sys.stdin would hold its lock when the interpreter ends.
        while os.read(STDIN, 1):
            pass
        os.kill(os.getpid(), signal.SIGTERM)
        threading.Event().wait(GRACE)
        os._exit(1)

    threading.Thread(target=watch, name="lifeline", daemon=True).start()
