"""Laws of the plant file: all mistakes at once, each where it stands; and what a good file means."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.errors import ConfigurationError, Problem
from gateway.plant.criteria import Criteria
from gateway.plant.loader import load_plant, parse_plant
from gateway.plant.model import Plant, RiskGrade, Text

Load = Callable[[str], Plant]
Find = Callable[[str], list[Problem]]


def place(text: str, mark: str) -> tuple[int, int]:
    """Line and column of `¦` in the marked text."""
    before = text[: text.index(mark)]
    return before.count("\n") + 1, len(before) - before.rfind("\n")


def test_a_good_file_becomes_a_plant(load: Load, good: str) -> None:
    plant = load(good)
    assert plant.hash == hashlib.sha256(good.encode()).hexdigest()
    assert plant.file == "plant.yaml"
    assert plant.site.risk_grade is RiskGrade.B
    assert [area.staffed for area in plant.areas] == [False, True]
    assert [equipment.id for equipment in plant.equipment] == ["eaf1", "panel"], "parents come first"
    limit = plant.equipment[0].limits["shell_alarm"]
    assert (limit.name, limit.value, limit.unit, limit.source) == ("shell_alarm", 300.0, "degC", "design file 7")
    assert plant.equipment[1].nameplate == {"maker": "X"}
    assert [point.id for point in plant.points] == ["eaf1.shell", "eaf1.breaker", "panel.flow"]
    assert [point.index for point in plant.points] == [0, 1, 2]
    flow = plant.points[2]
    assert (flow.unit, flow.low, flow.high) == ("L/min", 0.0, 500.0)
    assert (flow.period, flow.stale_after) == (1_000_000, 5_000_000)
    assert flow.calibration_due == date(2027, 5, 1)
    assert flow.name == Text("flow", "flow"), "a point without a name takes its kind's"
    assert flow.address.model_dump() == {"topic": "a/b"}
    assert plant.devices[0].settings.model_dump() == {"host": "10.0.0.1", "port": 502, "timeout": 2_000_000}
    assert (plant.outputs[0].id, plant.outputs[0].allowed, plant.outputs[0].values) == ("eaf1.trip", True, (0, 1))


def test_an_output_is_not_allowed_unless_the_file_says_so(load: Load, good: str) -> None:
    assert not load(good.replace(", allowed: true, values: [0, 1]", "")).outputs[0].allowed


def test_outputs_may_be_absent(load: Load, good: str) -> None:
    assert load(good[: good.index("outputs:")]).outputs == ()


def test_five_mistakes_are_all_reported_with_line_and_field(problems: Find, good: str) -> None:
    text = (
        good.replace("risk_grade: B", "risk_grade: E")
        .replace("staffed: false", "staffed: perhaps")
        .replace("class: circuit", "class: circut")
        .replace("unit: ℃", "unit: ppm")
        .replace("host: 10.0.0.2", "hots: 10.0.0.2")
    )
    found = [(problem.line, problem.field) for problem in problems(text)]
    assert found == [
        (6, "site.risk_grade"),
        (8, "areas[0].staffed"),
        (11, "equipment[0].class"),
        (20, "devices[1].host"),
        (20, "devices[1].hots"),
        (22, "points[0].unit"),
    ], "the misspelt host is both unknown and missing"


MISTAKES = [
    ("risk_grade: B", "risk_grade: ¦E", "site.risk_grade", "one of A, B, C, D", "'E'"),
    ("credit_code: 91000000DEM000006Q", "credit_code: ¦91000000DEM00000", "site.credit_code", "18 digits", "'91"),
    ("91000000DEM000006Q", "¦91000000DEM000006R", "site.credit_code", "ends in Q", "'91000000DEM000006R'"),
    ("91000000DEM000006Q", "¦91000000DEM00000OQ", "site.credit_code", "other than I, O", "'91000000DEM00000OQ'"),
    ("  industry: steel\n", "", "site.industry", "the field 'industry'", "nothing"),
    ("industry: steel", "industry: ¦on", "site.industry", 'text; put it in quotes: "on"', "true or false"),
    ("zh: 工厂", "zh: ¦1999", "site.name.zh", 'quotes: "1999"', "a number"),
    ("zh: 工厂", "zh: ¦2027-01-01", "site.name.zh", "quotes", "a date"),
    ("en: Works}", "en: Works, ¦Ltd. Co}", "site.name.Ltd. Co", "one of en, zh", "needs quotes"),
    ("id: hall,", "id: ¦'a hall',", "areas[0].id", "an id of letters", "'a hall'"),
    ("id: room", "id: ¦hall", "areas[1].id", "no other area", "'hall' again (first on line 8)"),
    ("staffed: false", "staffed: ¦'yes'", "areas[0].staffed", "true or false", "'yes'"),
    ("staffed: false", "¦stafed: true, staffed: false", "areas[0].stafed", "mean 'staffed'", "'stafed'"),
    ("staffed: false", "staffed: false, ¦staffed: true", "areas[0].staffed", "each key once", "first on line 8"),
    ("class: furnace", "class: ¦furnac", "equipment[1].class", "(did you mean 'furnace'?)", "'furnac'"),
    ("area: hall, name: {zh: 水", "area: ¦hal, name: {zh: 水", "equipment[0].area", "mean 'hall'", "'hal'"),
    ("parent: eaf1", "parent: ¦eaf2", "equipment[0].parent", "mean 'eaf1'", "'eaf2'"),
    ("parent: eaf1", "parent: ¦panel", "equipment[0].parent", "not inside it", "panel in panel"),
    (", parent: eaf1", "", "equipment[0].parent", "the id of its furnace", "nothing"),
    ("maker: X", "¦makr: X", "equipment[0].nameplate.makr", "mean 'maker'", "'makr'"),
    ("maker: X", "maker: ¦[1]", "equipment[0].nameplate.maker", "text or a number", "[1]"),
    ("shell_alarm: {v", "¦shel_alarm: {v", "equipment[1].limits.shel_alarm", "mean 'shell_alarm'", "unknown limit"),
    ("300 degC", "¦300 m3/h", "equipment[1].limits.shell_alarm.value", "a temperature", "a volume flow"),
    ("300 degC", "¦300 K", "equipment[1].limits.shell_alarm.value", "a temperature", "temperature difference"),
    ("300 degC", "¦300 degc", "equipment[1].limits.shell_alarm.value", "degC", "'degc'"),
    ("300 degC", "¦hot", "equipment[1].limits.shell_alarm.value", "'60 degC'", "'hot'"),
    (", source: design file 7", "", "equipment[1].limits.shell_alarm.source", "the field 'source'", "nothing"),
    ("driver: topics", "driver: ¦topic", "devices[1].driver", "mean 'topics'", "'topic'"),
    ("id: broker", "id: ¦plc", "devices[1].id", "no other device", "'plc' again"),
    (", timeout: 2 s", ", timeout: ¦2", "devices[0].timeout", "a duration such as", "2"),
    (", timeout: 2 s", ", port: ¦70000", "devices[0].port", "less than or equal to 65535", "70000"),
    (", timeout: 2 s", ", ¦timeut: 2 s", "devices[0].timeut", "mean 'timeout'", "'timeut'"),
    ("host: 10.0.0.1, ", "", "devices[0].host", "the field 'host'", "nothing"),
    ("{equipment: eaf1, kind: sh", "{equipment: ¦eaf, kind: sh", "points[0].equipment", "mean 'eaf1'", "'eaf'"),
    ("kind: shell", "kind: ¦shel", "points[0].kind", "mean 'shell'", "'shel' on a furnace"),
    ("kind: shell", "kind: ¦off", "points[0].kind", 'quotes: "off"', "true or false"),
    ("unit: L/min", "unit: ¦MPa", "points[2].unit", "volume flow such as m3/h", "'MPa', a pressure"),
    ("unit: L/min", "unit: ¦l/minute", "points[2].unit", "L/min", "'l/minute'"),
    ("unit: L/min", 'unit: ¦""', "points[2].unit", "volume flow", "no unit"),
    ('unit: ""', 'unit: ¦"%"', "points[1].unit", "no unit", "'%'"),
    ("range: [0, 600]", "range: ¦[600, 0]", "points[0].range", "low below high", "[600, 0]"),
    ("range: [0, 600]", "range: ¦[0]", "points[0].range", "at least 2 entries", "a list of 1"),
    ("range: [0, 600]", "range: [0, ¦.inf]", "points[0].range[1]", "a finite number", "inf"),
    ("range: [0, 600]", "range: [0, ¦'600']", "points[0].range[1]", "a number", "'600'"),
    ("range: [0, 1]", "range: ¦[0.5, 1]", "points[1].range", "every state (0 to 1)", "[0.5, 1]"),
    ("stale_after: 1 s", "stale_after: ¦150 ms", "points[1].stale_after", "two periods (200 ms)", "150 ms"),
    ("period: 100 ms", "period: ¦0 s", "points[1].period", "greater than 0", "0 s"),
    ("period: 100 ms", "period: ¦0.1", "points[1].period", "a duration such as", "0.1"),
    ("2027-05-01", "¦2027-13-01", "points[2].calibration_due", "a date", "'2027-13-01'"),
    ("2027-05-01", "¦next year", "points[2].calibration_due", "a date", "'next year'"),
    ("device: broker,", "device: ¦brokr,", "points[2].source.device", "mean 'broker'", "'brokr'"),
    ("topic: a/b", "¦topc: a/b, topic: a/b", "points[2].source.topc", "mean 'topic'", "'topc'"),
    ("register: 0", "register: ¦-1", "points[0].source.register", "greater than or equal to 0", "-1"),
    ("register: 0", "register: 0, order: ¦middle", "points[0].source.order", "one of big, little", "'middle'"),
    ("register: 0", "register: 0, faults: {65535: ¦on}", "points[0].source.faults[65535]", "quotes", "true or"),
    ("source: {device: plc, register: 1}", "source: ¦{device: plc, register: 0}", "points[1].source",
     "a place on plc", "eaf1.breaker where eaf1.shell is already"),
    ("kind: breaker, unit: \"\", range: [0, 1]", "kind: ¦shell, unit: K, range: [0, 9]", "points[1].kind", "once",
     "eaf1.shell again (first on line 22)"),
    ("kind: trip", "kind: ¦tripp", "outputs[0].kind", "trip (did you mean 'trip'?)", "'tripp' on a furnace"),
    (", values: [0, 1]", "", "outputs[0].values", "the values that may be written", "an allowed output without"),
    ("values: [0, 1]", "values: ¦[]", "outputs[0].values", "the values that may be", "an allowed output without"),
    ("allowed: true", "allowed: ¦1", "outputs[0].allowed", "true or false", "1"),
    ("values: [0, 1]", "values: [0, 1], ¦mode: command", "outputs[0].mode", "one of allowed,", "'mode'"),
    ("register: 9", "register: ¦nine", "outputs[0].target.register", "a whole number", "'nine'"),
    ("outputs:", "¦output:", "output", "mean 'outputs'", "unknown section"),
    ("devices:\n", "devices: ¦7\nspare:\n", "devices", "a list", "7"),
    ("site:\n", "sight:\n", "site", "this section", "nothing"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("old", "new", "field", "expected", "got"), MISTAKES, ids=[f"{m[2]}: {m[1][:40]!r}" for m in MISTAKES]
)
def test_every_kind_of_mistake_is_named_at_its_place(
    problems: Find, good: str, old: str, new: str, field: str, expected: str, got: str
) -> None:
    assert good.count(old) >= 1, "the case must change something"
    marked = good.replace(old, new, 1)
    found = problems(marked.replace("¦", ""))
    here = [problem for problem in found if problem.field == field]
    assert here, [str(problem) for problem in found]
    assert expected in here[0].expected
    assert got in here[0].got
    assert here[0].line > 0
    assert here[0].file == "plant.yaml"
    if "¦" in marked:
        assert (here[0].line, here[0].column) == place(marked, "¦")


def test_a_mistake_in_one_field_hides_none_in_the_others(problems: Find, good: str) -> None:
    text = good.replace("kind: shell, unit: ℃, range: [0, 600]", "kind: shel, unti: ℃, range: [9, 1]")
    text = text.replace(
        "period: 1 s, stale_after: 5 s, source: {device: plc, register: 0",
        "period: 1 s, stale_after: 1 s, source: {device: pcl, register: x",
        1,
    )
    fields = {problem.field for problem in problems(text)}
    assert fields == {
        "points[0].kind",
        "points[0].unit",
        "points[0].unti",
        "points[0].range",
        "points[0].stale_after",
        "points[0].source.device",
    }


def test_a_broken_entry_is_not_called_unknown_where_it_is_referred_to(problems: Find, good: str) -> None:
    found = problems(good.replace("id: plc, driver: registers", "id: plc, driver: registres"))
    assert [problem.field for problem in found] == ["devices[0].driver"]


def test_parents_in_a_circle_are_reported_once(problems: Find, good: str) -> None:
    text = good.replace("class: furnace\n", "class: circuit\n    parent: panel\n")
    loops = [problem for problem in problems(text) if "inside" in problem.expected]
    assert [(loop.field, loop.got) for loop in loops] == [("equipment[0].parent", "panel in eaf1 in panel")]


def test_a_parent_of_the_wrong_class_is_named_with_its_class(problems: Find, good: str) -> None:
    text = good.replace(
        "devices:\n", "  - {id: gas, class: circuit, area: hall, name: {zh: 气, en: Gas}, parent: panel}\ndevices:\n"
    )
    assert [(p.field, p.expected, p.got) for p in problems(text)] == [
        ("equipment[2].parent", "the id of a furnace", "'panel', a circuit")
    ]


def test_two_points_share_an_address_if_the_driver_says_that_they_overlap(problems: Find, good: str) -> None:
    found = problems(good.replace("register: 0}", "register: 0, order: little}"))
    assert [problem.got for problem in found] == ["eaf1.breaker where eaf1.shell is already"]


def test_two_outputs_on_one_address_are_a_mistake(problems: Find, good: str) -> None:
    more = "  - {id: eaf2, class: furnace, area: hall, name: {zh: 电炉, en: Furnace}}\ndevices:\n"
    text = good.replace("devices:\n", more)
    text += "  - {equipment: eaf2, kind: trip, target: {device: plc, register: 9}, allowed: true, values: [1]}\n"
    assert [problem.got for problem in problems(text)] == ["eaf2.trip where eaf1.trip is already"]


@pytest.mark.parametrize(
    ("text", "line", "column"),
    [
        ("site: [1, 2\nareas: []\n", 2, 6),
        ("site:\n\tid: x\n", 2, 1),
        ("site: {a: 1}}\n", 1, 13),
        ('site: "unfinished\n', 2, 1),
        ("a: 1\n---\nb: 2\n", 2, 1),
        ("site: *nobody\n", 1, 7),
    ],
)
def test_a_syntax_error_has_its_line_and_column(problems: Find, text: str, line: int, column: int) -> None:
    (problem,) = problems(text)
    assert (problem.line, problem.column) == (line, column)
    assert problem.expected == "well-formed YAML"


@pytest.mark.parametrize("text", ["", "# nothing\n", "- a list\n", "just words\n", "42\n"])
def test_a_file_that_is_no_mapping_says_what_it_should_be(problems: Find, text: str) -> None:
    found = problems(text)
    assert len(found) == 1
    assert found[0].expected == "a mapping with site, areas, equipment, devices, points"


def test_a_loop_of_anchors_ends(problems: Find, good: str) -> None:
    found = problems(good + "spare: &a [*a]\n")
    assert any("contains itself" in problem.got for problem in found)


def test_anchors_that_unfold_without_end_are_refused(problems: Find, good: str) -> None:
    bomb = "a0: &a0 [1, 1, 1, 1, 1, 1, 1, 1, 1, 1]\n" + "".join(
        f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]\n" for n in range(1, 9)
    )
    assert any("at most" in problem.expected for problem in problems(good + bomb))


@pytest.mark.parametrize("key", ["!tag areas", "2027-13-01", "[a, b]", "~", "2027-01-01"])
def test_a_key_that_is_no_word_is_a_problem_at_its_place(problems: Find, good: str, key: str) -> None:
    assert ("a word as key", 7) in [(p.expected, p.line) for p in problems(good.replace("areas:", f"? {key}\n:"))]


def test_a_merged_anchor_counts_as_written(load: Load, good: str) -> None:
    text = good.replace(
        "{id: broker, driver: topics, name: {zh: 代理, en: Broker}, host: 10.0.0.2}",
        "{<<: &base {driver: topics, host: 10.0.0.9}, id: broker, name: {zh: 代理, en: Broker}, host: 10.0.0.2}",
    )
    assert load(text).devices[1].settings.model_dump() == {"host": "10.0.0.2"}


def test_numbers_are_what_people_mean(load: Load, good: str) -> None:
    plant = load(good.replace("register: 1}", "register: 010}").replace("[0, 600]", "[-1e1, 1e3]"))
    assert plant.points[1].address.model_dump()["register_"] == 10, "not eight, as in YAML 1.1"
    assert (plant.points[0].low, plant.points[0].high) == (-10.0, 1000.0)


def test_a_file_that_is_not_there_is_a_configuration_error(tmp_path: Path, drivers, criteria) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(ConfigurationError, match="no such file"):
        load_plant(tmp_path / "none.yaml", drivers, criteria)
    with pytest.raises(ConfigurationError, match="is a directory"):
        load_plant(tmp_path, drivers, criteria)


def test_a_file_that_is_not_utf8_is_a_configuration_error(tmp_path: Path, drivers, criteria) -> None:  # type: ignore[no-untyped-def]
    path = tmp_path / "plant.yaml"
    path.write_bytes("site: {id: 工厂}".encode("gb18030"))
    with pytest.raises(ConfigurationError, match="UTF-8"):
        load_plant(path, drivers, criteria)


def test_a_byte_order_mark_does_no_harm(tmp_path: Path, good: str, drivers, criteria) -> None:  # type: ignore[no-untyped-def]
    path = tmp_path / "plant.yaml"
    path.write_bytes(b"\xef\xbb\xbf" + good.encode())
    assert load_plant(path, drivers, criteria).site.id == "works"


def test_the_gateway_watches_itself_where_somebody_hears_it(
    good: str,
    drivers,
    criteria_with_gateway: Criteria,  # type: ignore[no-untyped-def]
) -> None:
    plant = parse_plant(good, "plant.yaml", drivers, criteria_with_gateway)
    own = plant.equipment_by_id()["gateway"]
    assert (own.equipment_class, own.area) == ("gateway", "room")
    points = [point for point in plant.points if point.equipment == "gateway"]
    assert [point.id for point in points] == [
        "gateway.journal_writable",
        "gateway.history_writable",
        "gateway.dropped_samples",
    ]
    assert [point.index for point in points] == [3, 4, 5]
    assert {(point.device, point.period, point.stale_after) for point in points} == {("gateway", 1_000_000, 5_000_000)}
    assert plant.devices[-1].driver == "internal"


def test_without_rules_for_the_gateway_it_has_no_points(load: Load, good: str) -> None:
    assert "gateway" not in load(good).equipment_by_id()


def test_nothing_in_the_file_can_pass_for_the_gateway(good: str, drivers, criteria_with_gateway: Criteria) -> None:  # type: ignore[no-untyped-def]
    text = good.replace("id: panel, class: circuit", "id: gateway, class: gateway")
    with pytest.raises(ConfigurationError) as caught:
        parse_plant(text, "plant.yaml", drivers, criteria_with_gateway)
    assert {problem.field for problem in caught.value.problems} == {
        "equipment[0].id",
        "equipment[0].class",
        "points[2].equipment",
    }


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_any_damage_gives_a_plant_or_problems_and_nothing_else(data: st.DataObject, problems: Find, good: str) -> None:
    start = data.draw(st.integers(0, len(good)))
    length = data.draw(st.integers(0, 30))
    junk = data.draw(st.text("{}[]:,-&*!?|>'\"% \n\t#@`~0aé", max_size=6))
    for problem in problems(good[:start] + junk + good[start + length :]):
        assert problem.expected
        assert problem.got
