"""The rule engine by itself: ten thousand rules at a tick, two rules over many ticks; short and long windows."""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np

from gateway.rule import PointColumns, Trace, Truth
from gateway.sample import SECOND, Instant
from rules.graph import Graph, NodeId, Op
from rules.program import CompiledProgram
from tests.bench.harness import Options, Result

START = 1_800_000_000 * SECOND
TICK = SECOND // 2
INSTANCES = 10_000
SHORT, LONG = 10, 1000
"""Lengths of delays and windows that are set beside each other, in ticks."""
TURNS = 40
"""Different ticks that are gone through again and again."""

Operand = Callable[[Graph, NodeId], NodeId]


def run(options: Options) -> Result:
    ticks, length = (LONG + 300, 200_000) if options.quick else (LONG + 3000, 2_000_000)
    result = Result(
        "rules",
        "two bare NumPy comparisons of the same numbers with the same limits, turn by turn",
        {"instances": INSTANCES, "ticks_online": ticks, "ticks_batch": length},
    )
    _online(ticks, result)
    _batch(length, result)
    return result


def ruled(instances: int, *, delay: int = 6, operand: Operand | None = None) -> CompiledProgram:
    """Rules with limit, clear limit, on-delay and off-delay (of so many ticks), each on a point of its own."""
    graph, nodes = Graph(), []
    for index in range(instances):
        number = graph.add(Op.POINT, (), (float(index),))
        number = operand(graph, number) if operand is not None else number
        when = graph.add(Op.GT, (number, graph.add(Op.CONST, (), (_limit(index),))))
        clear = graph.add(Op.LT, (number, graph.add(Op.CONST, (), (_limit(index) - 2.0,))))
        on = graph.add(Op.ON_DELAY, (when,), (float(delay * TICK),))
        off = graph.add(Op.OFF_DELAY, (clear,), (float(delay * TICK),))
        nodes.append(graph.add(Op.LATCH, (on, off)))
    return CompiledProgram(graph, nodes, (), ())


def window(op: Op, ticks: int) -> Operand:
    """A number over a window; a slope is scaled to where the limits are."""

    def operand(graph: Graph, number: NodeId) -> NodeId:
        node = graph.add(op, (number,), (float(ticks * TICK),))
        return graph.add(Op.AFFINE, (node,), (1000.0, 62.0)) if op is Op.SLOPE else node

    return operand


def _limit(index: int) -> float:
    return 62.0 + index % 7


def _ticks() -> list[PointColumns]:
    """Values that go over the limits and back, with one in five hundred lost."""
    rng = np.random.default_rng(7)
    swing = 60 + 5 * np.sin(np.arange(TURNS) / TURNS * 2 * np.pi)
    columns = []
    for turn in range(TURNS):
        value = swing[turn] + rng.normal(0, 1, INSTANCES)
        quality = (rng.random(INSTANCES) < 0.002).astype(np.uint8) * np.uint8(3)
        times = np.zeros(INSTANCES, dtype=np.int64)
        columns.append(PointColumns(value, quality, quality, times, times))
    return columns


def _online(count: int, result: Result) -> None:
    """Processor time of the one thread: what else runs on the machine must not count."""
    kinds: dict[str, CompiledProgram] = {
        "on-delay and hysteresis": ruled(INSTANCES),
        f"delays of {SHORT} ticks": ruled(INSTANCES, delay=SHORT),
        f"delays of {LONG} ticks": ruled(INSTANCES, delay=LONG),
    }
    for op in (Op.MIN, Op.AVG, Op.SLOPE):
        for ticks in (SHORT, LONG):
            kinds[f"{op} over {ticks} ticks"] = ruled(INSTANCES, operand=window(op, ticks))
    inputs, limits = _ticks(), np.array([_limit(index) for index in range(INSTANCES)])
    spent: dict[str, list[float]] = {name: [] for name in ("bare", *kinds)}
    seen = np.zeros(3, dtype=np.int64)
    for tick in range(count):
        columns, now = inputs[tick % TURNS], Instant(START + tick * TICK)
        columns.source_time[:] = now
        began = time.thread_time()
        _ = (columns.value > limits, columns.value < limits - 2.0)
        spent["bare"].append((time.thread_time() - began) * 1000)
        for name, program in kinds.items():
            began = time.thread_time()
            truth = program.step(columns, now).truth
            spent[name].append((time.thread_time() - began) * 1000)
            if name == "on-delay and hysteresis":
                seen += np.bincount(truth, minlength=3)
    result.require(bool((seen > 0).all()), "conditions were false, true and unknown", seen.tolist())
    _same(inputs, result)
    # The first thousand ticks fill the longest windows.
    warm = {name: values[LONG:] for name, values in spent.items()}
    result.add_spread("bare: two comparisons", warm["bare"], "ms")
    for name in kinds:
        result.add_spread(f"online, a tick of {INSTANCES:,} rules: {name}", warm[name], "ms")
    result.add_ratio("online: on-delay and hysteresis", warm["on-delay and hysteresis"], warm["bare"], "ms")
    for kind in ("delays of {} ticks", "min over {} ticks", "avg over {} ticks", "slope over {} ticks"):
        long, short = (float(np.mean(warm[kind.format(ticks)])) for ticks in (LONG, SHORT))
        result.add(f"online: {kind.format(LONG)} to {SHORT}, mean", long / short, "x")


def _same(inputs: list[PointColumns], result: Result) -> None:
    """Both back-ends give the same bits on what was timed."""
    online, batch = ruled(INSTANCES), ruled(INSTANCES)
    now = START + np.arange(TURNS, dtype=np.int64) * TICK
    value = np.array([columns.value for columns in inputs]).T
    quality = np.array([columns.quality for columns in inputs]).T
    times = np.broadcast_to(now, value.shape)
    traced = batch.scan(Trace(now, value, quality, quality, times, times))
    equal = True
    for tick, columns in enumerate(inputs):
        columns.source_time[:] = now[tick]
        stepped = online.step(columns, Instant(int(now[tick])))
        equal &= np.array_equal(stepped.truth, traced.truth[:, tick])
        equal &= np.array_equal(stepped.since, traced.since[:, tick])
    result.require(equal, f"a scan gives the bits of steps for {INSTANCES:,} rules over {TURNS} ticks")


def _batch(length: int, result: Result) -> None:
    trace = _walk(length)
    kinds: dict[str, Callable[[], CompiledProgram]] = {"on-delay and hysteresis": lambda: ruled(2)}
    for op in (Op.MIN, Op.AVG, Op.SLOPE):
        for ticks in (SHORT, LONG):
            kinds[f"{op} over {ticks} ticks"] = lambda op=op, ticks=ticks: ruled(2, operand=window(op, ticks))
    for a, b in ((0, SHORT), (0, LONG), (SHORT, 2 * SHORT), (LONG, 2 * LONG)):
        kinds[f"since [{a}, {b}] ticks"] = lambda a=a, b=b: _since(a, b)
    rates: dict[str, float] = {}
    for name, make in kinds.items():
        program = make()
        began = time.thread_time()
        truth = program.scan(trace).truth
        spent = time.thread_time() - began
        counts = np.bincount(truth.ravel(), minlength=3)
        both = counts[Truth.TRUE] > 0 and counts[Truth.FALSE] > 0
        result.require(both, "batch conditions were false and true", f"{counts} for {name}")
        rates[name] = length * program.plan().nodes / spent / 1e6
        result.add(f"batch: {name}", rates[name], "M sample-nodes/s")
    result.add("batch: slowest of these", min(rates.values()), "M sample-nodes/s")
    for op in (Op.MIN, Op.AVG, Op.SLOPE):
        ratio = rates[f"{op} over {SHORT} ticks"] / rates[f"{op} over {LONG} ticks"]
        result.add(f"batch: time of {op} over {LONG} ticks to {SHORT}", ratio, "x")


def _since(a: int, b: int) -> CompiledProgram:
    graph, nodes = Graph(), []
    for index in range(2):
        number = graph.add(Op.POINT, (), (float(index),))
        high = graph.add(Op.GT, (number, graph.add(Op.CONST, (), (63.0,))))
        low = graph.add(Op.GT, (number, graph.add(Op.CONST, (), (57.0,))))
        nodes.append(graph.add(Op.SINCE, (low, high), (float(a * TICK), float(b * TICK))))
    return CompiledProgram(graph, nodes, (), ())


def _walk(length: int) -> Trace:
    """Two points that wander around the limits, with one value in a thousand lost."""
    rng = np.random.default_rng(11)
    now = START + np.arange(length, dtype=np.int64) * TICK
    slow = 60 + 6 * np.sin(np.arange(length) / 3000.0)
    value = slow + rng.normal(0, 1.5, (2, length))
    quality = (rng.random(value.shape) < 0.001).astype(np.uint8) * np.uint8(3)
    times = np.broadcast_to(now, value.shape)
    return Trace(now, value, quality, quality, times, times)
