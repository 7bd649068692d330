"""`tocsin run` as the benches start it: with packs of their own, or held to one processor. Changes nothing else."""

from __future__ import annotations

import os
import sys
from pathlib import Path


def main() -> None:
    arguments = []
    packs = None
    for argument in sys.argv[1:]:
        if argument.startswith("--bench-packs="):
            packs = Path(argument.partition("=")[2])
        elif argument.startswith("--bench-cpu="):
            os.sched_setaffinity(0, {int(argument.partition("=")[2])})
        else:
            arguments.append(argument)

    from gateway.cli.run import command

    if packs is not None:
        from gateway import app

        app.PACKS_DIRECTORY = packs
    command.main(arguments)


if __name__ == "__main__":
    main()
