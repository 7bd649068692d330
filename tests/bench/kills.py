"""SIGKILL at random moments, a thousand times, while alarms, acknowledgements and tickets flow."""

from __future__ import annotations

import json
import subprocess
import sys

from tests.bench.harness import ROOT, BenchFailed, Options, Result, workspace


def run(options: Options) -> Result:
    kills = 100 if options.quick else 1000
    result = Result("kills", "what had been answered before each kill", {"kills": kills})
    with workspace() as work:
        command = [sys.executable, "-m", "tests.stores.lives", str(work), str(kills), "1"]
        done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT)
        if done.returncode:
            raise BenchFailed(f"kills: {done.stderr[-2000:]}")
        found = json.loads(done.stdout)
    result.add("kills", found["kills"], "")
    result.add("events answered before a kill", found["acknowledged"], "")
    for name in ("lost", "doubled", "inconsistent"):
        result.require(found[name] == 0, f"nothing is {name}", found)
        result.add(name, found[name], "")
    return result
