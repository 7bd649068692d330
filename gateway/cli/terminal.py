"""The terminal's Ctrl-C for one program alone, though `make` stands between it and the shell.

Make dies of any SIGINT that reaches it, whatever its child makes of the same one; so the child takes the
terminal's foreground as a shell would give it to a job, and gives it back at its end.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def foreground() -> Iterator[None]:
    """Hold the terminal's foreground; nothing happens without a terminal, or where it is ours already."""
    terminal = sys.stdin.fileno() if sys.stdin.isatty() else None
    if terminal is None or os.tcgetpgrp(terminal) == os.getpid():
        yield
        return
    before = os.tcgetpgrp(terminal)
    # Asking for the foreground from behind would stop us; being suspended would leave nobody in front.
    kept = {number: signal.signal(number, signal.SIG_IGN) for number in (signal.SIGTTOU, signal.SIGTSTP)}
    os.setpgid(0, 0)
    os.tcsetpgrp(terminal, os.getpgrp())
    try:
        yield
    finally:
        os.tcsetpgrp(terminal, before)
        for number, handler in kept.items():
            signal.signal(number, handler)
