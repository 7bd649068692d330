"""Ctrl-C at a real (pseudo) terminal, with a `make` between the shell and the program."""

import os
import pty
import subprocess
import sys
from pathlib import Path

PROGRAM = """
import signal, sys
from gateway.cli.terminal import foreground
def stop(*_):
    print("stopped", flush=True)
    raise SystemExit(0)
with foreground():
    signal.signal(signal.SIGINT, stop)
    print("ready", flush=True)
    signal.pause()
"""


def pressed(tmp_path: Path, *, terminal: bool) -> tuple[int, bytes]:
    """Exit code and output of a make that runs the program, after one Ctrl-C once it is ready."""
    (tmp_path / "program.py").write_text(PROGRAM, encoding="utf-8")
    (tmp_path / "Makefile").write_text(f"demo:\n\t@exec {sys.executable} program.py\n", encoding="utf-8")
    # Under `make test` this make is not the other's child, whatever the other has left in the environment.
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "MFLAGS"))}
    environment = inherited | {"PYTHONPATH": str(Path.cwd())}
    if not terminal:
        with subprocess.Popen(
            ["make", "demo"], cwd=tmp_path, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE
        ) as made:
            assert made.stdout is not None
            assert made.stdout.readline() == b"ready\n"
            subprocess.run(["pkill", "-INT", "-P", str(made.pid)], check=True)
            return made.wait(20), made.stdout.read()
    child, side = pty.fork()
    if child == 0:
        os.chdir(tmp_path)
        os.execvpe("make", ["make", "demo"], environment)  # noqa: S606
    seen = b""
    while b"ready" not in seen:
        seen += os.read(side, 1024)
    os.write(side, b"\x03")
    _, status = os.waitpid(child, 0)
    seen += os.read(side, 1024)
    os.close(side)
    return os.waitstatus_to_exitcode(status), seen


def test_ctrl_c_under_make_ends_with_code_0(tmp_path: Path) -> None:
    code, seen = pressed(tmp_path, terminal=True)
    assert b"stopped" in seen
    assert code == 0


def test_without_a_terminal_nothing_is_taken(tmp_path: Path) -> None:
    code, seen = pressed(tmp_path, terminal=False)
    assert (code, seen) == (0, b"stopped\n")
