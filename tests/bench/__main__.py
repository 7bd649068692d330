"""`python -m tests.bench [name ...] [--quick] [--minutes N]`: the figures, as a table and in build/bench.json."""

from __future__ import annotations

import argparse
import importlib
import json
import os
import platform
import subprocess
import sys
import time
import traceback
from dataclasses import asdict
from datetime import UTC, datetime

import psutil
from rich.console import Console
from rich.table import Table

from tests.bench.harness import BUILD, ROOT, BenchFailed, Options, Result, load_now

BENCHES = (
    "latency",
    "throughput",
    "start",
    "page",
    "micro",
    "rules",
    "monitors",
    "reload",
    "backtest",
    "mqtt",
    "modbus",
    "modbus_faults",
    "fuzz",
    "store",
    "influx",
    "kills",
    "flood",
)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="name", help=f"any of: {', '.join(BENCHES)}; all if left out")
    parser.add_argument("--quick", action="store_true", help="fewer repetitions; a few minutes in all")
    parser.add_argument("--minutes", type=float, help="how long memory is watched (10; 1 if quick)")
    asked = parser.parse_args()
    if unknown := set(asked.names) - set(BENCHES):
        parser.error(f"expected names of {', '.join(BENCHES)}; got {', '.join(sorted(unknown))}")
    minutes = asked.minutes if asked.minutes is not None else 1.0 if asked.quick else 10.0
    options = Options(quick=asked.quick, minutes=minutes)
    results, failures = _run(asked.names or BENCHES, options)
    console = Console(width=max(120, Console().width))
    for result in results:
        _show(console, result)
    _write(results, failures, options)
    for failure in failures:
        console.print(f"[bold red]FAILED[/] {failure}", highlight=False)
    return 1 if failures else 0


def _run(names: tuple[str, ...] | list[str], options: Options) -> tuple[list[Result], list[str]]:
    results, failures = [], []
    for name in names:
        print(f"{name} ...", file=sys.stderr, flush=True)
        before, began = load_now(), time.monotonic()
        try:
            result: Result = importlib.import_module(f"tests.bench.{name}").run(options)
        except BenchFailed as failure:
            failures.append(str(failure))
            continue
        except Exception as error:  # one broken bench must not cost the figures of the others
            traceback.print_exc()
            failures.append(f"{name}: {error!r}")
            continue
        result.load = (before[0], load_now()[0])
        result.parameters["seconds_taken"] = round(time.monotonic() - began)
        results.append(result)
    return results, failures


def _show(console: Console, result: Result) -> None:
    table = Table()
    table.add_column(result.bench, min_width=66)
    table.add_column("value", justify="right", min_width=10)
    table.add_column("unit", min_width=10)
    for figure in result.figures:
        table.add_row(figure.name, _readable(figure.value), figure.unit)
    console.print(table)
    lines = [f"with {', '.join(f'{key} {value}' for key, value in result.parameters.items())}"]
    lines += [f"beside: {result.compared_with}", f"load average {' -> '.join(f'{each:g}' for each in result.load)}"]
    lines += [f"verified: {what}" for what in dict.fromkeys(result.verified)]
    console.print("\n".join(f"  {line}" for line in lines) + "\n", highlight=False, style="dim")


def _readable(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 1000 or value == int(value) else f"{value:.3g}"


def _write(results: list[Result], failures: list[str], options: Options) -> None:
    """The same as data; what this run did not measure is kept from the run before."""
    commit = subprocess.run(["git", "rev-parse", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=False)
    changed = subprocess.run(
        ["git", "status", "--porcelain", "--untracked-files=no"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    run = {
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "commit": commit.stdout.strip() + ("+changes" if changed.stdout.strip() else ""),
        "machine": {
            "processors": os.cpu_count(),
            "processor": _processor(),
            "memory_gib": round(psutil.virtual_memory().total / 2**30, 1),
            "system": f"{platform.system()} {platform.release()}",
            "python": platform.python_version(),
        },
        "options": asdict(options),
    }
    file = BUILD / "bench.json"
    kept = json.loads(file.read_text("utf-8"))["benches"] if file.exists() else {}
    kept |= {result.bench: {**run, **asdict(result)} for result in results}
    BUILD.mkdir(exist_ok=True)
    file.write_text(json.dumps({"failures": failures, "benches": kept}, indent=2, ensure_ascii=False) + "\n", "utf-8")


def _processor() -> str:
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as lines:  # noqa: PTH123 - no file of ours
            return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "")
    except OSError:
        return platform.processor()


if __name__ == "__main__":
    sys.exit(main())
