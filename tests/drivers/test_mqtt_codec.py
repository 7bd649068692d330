"""Laws of the MQTT payload codec."""

from __future__ import annotations

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.mqtt.address import DeviceSettings, OutputAddress, PointAddress
from drivers.mqtt.codec import Expected, Reading, encode, parse, readings
from gateway.clock import from_datetime, to_datetime
from gateway.sample import SECOND, Instant, Quality, Reason

NOW = Instant(1_800_000_000 * SECOND)
FULL = {"topic": "t", "value": "data.0.co", "time": "time", "quality": "status"}


def read(payload: object, *, retained: bool = False, **address: object) -> Reading:
    body = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
    expected = Expected.of(PointAddress.model_validate(address or {"topic": "t"}), -1000.0, 1000.0)
    (one,) = readings(parse(body), expected, retained=retained, now=NOW)
    return one


def full(value: object = 12.5, time: object = 1_800_000_000_000 - 250, status: object = "good") -> object:
    return {"data": [{"co": value}], "time": time, "status": status}


def test_a_plain_number_is_good_at_the_time_it_came() -> None:
    assert read(b" 12.5\n") == Reading(12.5, Quality.GOOD, Reason.NONE, NOW)
    assert read(b"true").value == 1.0


def test_value_time_and_quality_are_found_by_their_paths() -> None:
    assert read(full(), **FULL) == Reading(12.5, Quality.GOOD, Reason.NONE, *[Instant(NOW - SECOND // 4)] * 2)


@pytest.mark.parametrize(
    "time",
    [
        1_799_999_999,
        1_799_999_999.0,
        1_799_999_999_000,
        to_datetime(Instant(NOW - SECOND)).isoformat(),
        to_datetime(Instant(NOW - SECOND)).isoformat().replace("+00:00", "Z"),
    ],
)
def test_a_source_time_is_read_in_every_form_that_sensors_write(time: object) -> None:
    assert read(full(time=time), **FULL).source_time == NOW - SECOND


@pytest.mark.parametrize(
    "time",
    [0, "yesterday", None, True, [], "2027-01-15T08:00:00", 1_800_000_006, 1e300, -1, "9999-12-31T23:59:59Z", 5],
)
def test_a_time_that_cannot_be_true_makes_the_value_uncertain_and_never_good(time: object) -> None:
    reading = read(full(time=time), **FULL)
    assert (reading.value, reading.quality, reading.reason) == (12.5, Quality.UNCERTAIN, Reason.SOURCE_CLOCK)
    assert reading.source_time == NOW


def test_an_old_source_time_is_kept_because_age_decides() -> None:
    assert read(full(time=1_800_000_000 - 86_400), **FULL).source_time == NOW - 86_400 * SECOND


def test_a_retained_value_without_a_time_has_an_unknown_age() -> None:
    assert read(b"12.5", retained=True).reason is Reason.RETAINED
    assert read(full(), retained=True, **FULL).quality is Quality.GOOD


@pytest.mark.parametrize(
    ("status", "good", "quality"),
    [
        ("good", ["good"], Quality.GOOD),
        ("GOOD", ["good"], Quality.GOOD),
        (192, ["192"], Quality.GOOD),
        (192.0, [192], Quality.GOOD),
        (True, [True], Quality.GOOD),
        (1, [True], Quality.BAD),
        ("fault", ["good"], Quality.BAD),
        ("", ["good"], Quality.BAD),
    ],
)
def test_the_sensors_own_verdict_is_heard(status: object, good: list[object], quality: Quality) -> None:
    reading = read(full(status=status), **FULL, good=good)
    assert reading.quality is quality
    if quality is Quality.BAD:
        assert reading.reason is Reason.SENSOR_FAULT


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"{",
        b"\xff\xfe",
        b"[" * 100_000,
        b"9" * 10_000,
        b" " * (1 << 20) + b"1",
        {"data": []},
        {"data": {"0": {}}, "time": 1, "status": "good"},
        full(value=None),
        full(value="12.5"),
        full(value={}),
        full(value=[]),
        full(value=[1, 2]),
        full(status=None),
        full(status=[]),
        {"data": [{"co": 1}], "time": 1_800_000_000},
    ],
    ids=range(16),
)
def test_what_cannot_be_read_is_malformed_and_has_no_value(payload: object) -> None:
    reading = read(payload, **FULL)
    assert (reading.quality, reading.reason) == (Quality.BAD, Reason.MALFORMED)
    assert math.isnan(reading.value)


@pytest.mark.parametrize(
    ("payload", "reason"),
    [
        (b"NaN", Reason.NOT_A_NUMBER),
        (b"-Infinity", Reason.NOT_A_NUMBER),
        (b"1e999", Reason.NOT_A_NUMBER),
        (b"1" + b"0" * 400, Reason.NOT_A_NUMBER),
        (b"1000.1", Reason.OUT_OF_RANGE),
    ],
)
def test_a_number_that_is_none_or_out_of_range_has_no_value(payload: bytes, reason: Reason) -> None:
    reading = read(payload)
    assert (reading.quality, reading.reason) == (Quality.BAD, reason)


def test_a_list_of_values_with_their_times_is_as_many_readings() -> None:
    body = json.dumps({"v": [1, None, 3], "t": [1_799_999_997, 1_799_999_998, 1_799_999_999]}).encode()
    expected = Expected.of(PointAddress(topic="t", value="v", time="t"), 0, 10)
    some = readings(parse(body), expected, retained=False, now=NOW)
    assert [one.reason for one in some] == [Reason.NONE, Reason.MALFORMED, Reason.NONE]
    assert [NOW - one.source_time for one in some] == [3 * SECOND, 2 * SECOND, SECOND]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.sampled_from(["data", "time", "status", "co", "0"]), inner, max_size=4)
    ),
    max_leaves=12,
)


@given(payload=st.binary(max_size=80) | JSON.map(lambda body: json.dumps(body).encode()), retained=st.booleans())
def test_random_payloads_never_crash_and_are_good_only_if_well_formed(payload: bytes, retained: bool) -> None:
    for address in (PointAddress(topic="t"), PointAddress.model_validate(FULL)):
        some = readings(parse(payload), Expected.of(address, -1000, 1000), retained=retained, now=NOW)
        assert some
        for reading in some:
            assert math.isnan(reading.value) == (reading.quality is Quality.BAD)
            assert (reading.quality is Quality.GOOD) == (reading.reason is Reason.NONE)
            assert reading.source_time <= NOW + 5 * SECOND
            if reading.quality is Quality.GOOD:
                assert -1000.001 <= reading.value <= 1000.001
                assert isinstance(json.loads(payload), (bool, int, float, dict))


@given(moment=st.integers(946_684_800 * SECOND, int(NOW)))
def test_an_iso_time_comes_back_to_the_microsecond(moment: int) -> None:
    text = to_datetime(Instant(moment)).isoformat()
    assert read(full(time=text), **FULL).source_time == moment
    assert from_datetime(to_datetime(Instant(moment))) == moment


def test_a_command_is_written_as_the_template_says() -> None:
    assert encode(OutputAddress(topic="t"), 0.0) == b"0"
    assert encode(OutputAddress(topic="t", payload='{"set": {value}}'), 1.0) == b'{"set": 1}'
    assert encode(OutputAddress(topic="t"), 0.25) == b"0.25"
    assert encode(OutputAddress(topic="t"), 1) == b"1", "an effect's value may come as a whole number"
    with pytest.raises(ValueError, match="finite"):
        encode(OutputAddress(topic="t"), math.nan)


@pytest.mark.parametrize(
    "wrong",
    [{"topic": "a+"}, {"topic": "#/a"}, {"topic": ""}, {"topic": "t", "value": "a..b"}, {"topic": "t", "qos": 3}],
)
def test_an_address_that_cannot_be_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="validation error"):
        PointAddress.model_validate(wrong)


def test_settings_and_outputs_that_cannot_be_are_refused() -> None:
    with pytest.raises(ValueError, match="value"):
        OutputAddress(topic="t", payload="on")
    with pytest.raises(ValueError, match="whole seconds"):
        DeviceSettings.model_validate({"host": "x", "keepalive": "500 ms"})


def read_all(payload: object, **address: object) -> list[tuple[float, Quality, int]]:
    """Value, quality and age in seconds of every reading."""
    expected = Expected.of(PointAddress.model_validate({"topic": "t", **address}), -1000.0, 1000.0)
    some = readings(parse(json.dumps(payload).encode()), expected, retained=False, now=NOW)
    return [(one.value, one.quality, (NOW - one.source_time) // SECOND) for one in some]


def test_an_entry_of_a_list_is_found_by_its_field() -> None:
    tags = {"values": [{"id": "Ch1.CO-6", "v": 1}, {"id": "Ch1.CO-7", "v": 2, "t": 1_799_999_990_000}]}
    found = read_all(tags, value="values[id=Ch1.CO-7].v", time="values[id=Ch1.CO-7].t")
    assert found == [(2, Quality.GOOD, 10)]


def test_every_entry_of_a_list_is_a_reading_and_a_gap_in_it_moves_no_other() -> None:
    rows = {"rows": [{"v": 1, "t": 1_799_999_997}, {"t": 1_799_999_998}, {"v": 3, "t": 1_799_999_999}]}
    found = read_all(rows, value="rows[*].v", time="rows[*].t")
    assert [(quality, age) for _, quality, age in found] == [(Quality.GOOD, 3), (Quality.BAD, 2), (Quality.GOOD, 1)]
    assert (found[0][0], found[2][0]) == (1, 3)


def test_a_list_with_one_time_is_spaced_backwards_from_it() -> None:
    burst = {"t": 1_799_999_999, "v": [1, 2, 3]}
    assert [age for _, _, age in read_all(burst, value="v", time="t", spacing="1 s")] == [3, 2, 1]
    assert [quality for _, quality, _ in read_all(burst, value="v", time="t")] == [Quality.BAD]


@pytest.mark.parametrize(
    ("value", "more", "expected"),
    [
        ("OPEN", {"states": {"OPEN": 1, "CLOSED": 0}}, 1),
        ("CLOSED", {"states": {"OPEN": 1, "CLOSED": 0}}, 0),
        ("moving", {"states": {"OPEN": 1, "CLOSED": 0}}, None),
        ("12.5", {"text_numbers": True}, 12.5),
        ("1_2", {"text_numbers": True}, None),
        ("12.5", {}, None),
        (125, {"scale": 0.1, "offset": -2.5}, 10),
        (9_000, {"scale": 0.1}, 900),
        (11_000, {"scale": 0.1}, None),
    ],
)
def test_words_quoted_numbers_and_scales(value: object, more: dict[str, object], expected: float | None) -> None:
    ((number, quality, _),) = read_all({"v": value}, value="v", **more)
    assert (quality is Quality.GOOD) == (expected is not None)
    assert number == pytest.approx(expected) if expected is not None else math.isnan(number)


def test_a_sensor_that_doubts_or_warms_up_is_heard() -> None:
    words = {"good": [192], "uncertain": [64], "warming_up": ["init"]}

    def judged(word: object) -> Reason:
        return read({"v": 1, "q": word}, topic="t", value="v", quality="q", **words).reason

    assert [judged(word) for word in (192, 64, "INIT", 0)] == [
        Reason.NONE,
        Reason.SOURCE_DOUBT,
        Reason.WARMING_UP,
        Reason.SENSOR_FAULT,
    ]


@pytest.mark.parametrize(
    ("time", "more"),
    [
        ("2027-01-15 15:59:59", {"time_zone": "+08:00"}),
        ("2027-01-15T15:59:59", {"time_zone": "Asia/Shanghai"}),
        ("20270115155959", {"time_zone": "+08:00", "time_format": "%Y%m%d%H%M%S"}),
        (20270115155959, {"time_zone": "+08:00", "time_format": "%Y%m%d%H%M%S"}),
        ("1799999999", {}),
        (1_799_999_999_000_000, {"time_format": "us"}),
        (1_799_999_999_000_000_000, {}),
    ],
)
def test_times_are_read_as_the_source_writes_them(time: object, more: dict[str, object]) -> None:
    assert read_all({"v": 1, "t": time}, value="v", time="t", **more) == [(1, Quality.GOOD, 1)]


@pytest.mark.parametrize("path", ["", "a..b", ".a", "a.", "a[", "a[x]", "a[*].b[*]", "a[1]b"])
def test_a_path_that_is_none_is_refused(path: str) -> None:
    with pytest.raises(ValueError, match="expected names"):
        PointAddress.model_validate({"topic": "t", "value": path})
