"""Laws of the Sparkplug payload codec and of sessions."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.sparkplug.codec import DataType, Metric, NotSparkplug, Payload, decode, encode, number
from drivers.sparkplug.session import AskRebirth, Loss, Lost, Outcome, Reported, Sessions, address

GOLDEN = bytes.fromhex(
    "0880a0f1c2b134122f0a09e78289e6b8a92f543110ac02189898f1c2b13420034a100a075175616c6974791205080318f40350d8ffffff0f"
    "120910022801650000c03f12070a016e200a3801121b0a0164200a30014209420769676e6f7265646900000000000002c01807"
)
"""Written by Google's protobuf runtime from the official schema, once."""


def test_what_the_official_runtime_writes_is_read() -> None:
    payload = decode(GOLDEN)
    assert (payload.timestamp, payload.seq) == (1_800_000_000_000, 7)
    furnace, historical, null, double = payload.metrics
    assert (furnace.name, furnace.alias, furnace.quality) == ("炉温/T1", 300, 500)
    assert number(furnace, furnace.datatype) == -40
    assert (historical.alias, historical.historical, historical.value) == (2, True, 1.5)
    assert null.null
    assert null.value is None
    assert double.value == -2.25


def test_what_we_write_is_what_the_official_runtime_writes() -> None:
    assert encode(Payload(1, 7, (Metric("a", 2, 3, DataType.INT32, value=-40),))).hex() == (
        "0801" + "120f" + "0a0161" + "1002" + "1803" + "2003" + "50d8ffffff0f" + "1807"
    )


INTEGERS = {
    DataType.INT8: (8, True),
    DataType.INT16: (16, True),
    DataType.INT32: (32, True),
    DataType.INT64: (64, True),
    DataType.UINT8: (8, False),
    DataType.UINT16: (16, False),
    DataType.UINT32: (32, False),
    DataType.UINT64: (64, False),
}


@given(data=st.data(), datatype=st.sampled_from(list(INTEGERS)))
def test_every_whole_number_of_every_type_comes_back(data: st.DataObject, datatype: DataType) -> None:
    bits, signed = INTEGERS[datatype]
    value = data.draw(st.integers(-(2 ** (bits - 1)), 2 ** (bits - 1) - 1) if signed else st.integers(0, 2**bits - 1))
    (metric,) = decode(encode(Payload(0, 0, (Metric("m", datatype=datatype, value=value),)))).metrics
    assert number(metric, datatype) == float(value)


@given(value=st.floats(allow_nan=False))
def test_every_floating_number_comes_back(value: float) -> None:
    (metric,) = decode(encode(Payload(0, 0, (Metric("m", datatype=DataType.DOUBLE, value=value),)))).metrics
    assert number(metric, DataType.DOUBLE) == value


@pytest.mark.parametrize(
    ("datatype", "value"),
    [(DataType.INT8, 128), (DataType.INT8, 0x1FF), (DataType.UINT8, 256), (DataType.UINT16, 65536), (12, 5), (None, 5)],
)
def test_a_number_that_does_not_fit_its_type_is_none(datatype: int | None, value: int) -> None:
    if datatype == DataType.INT8 and value == 128:
        assert number(Metric(value=value), datatype) == -128, "its own width is enough for the sign"
    else:
        assert number(Metric(value=value), datatype) is None


def test_a_type_that_the_value_is_not_of_is_no_number() -> None:
    assert number(Metric(value=1.5), DataType.INT32) is None
    assert number(Metric(value=1), DataType.DOUBLE) is None
    assert number(Metric(value=True), DataType.UINT8) is None
    assert number(Metric(value=1.5), DataType.BOOLEAN) is None


@given(cut=st.integers(1, len(GOLDEN) - 1))
def test_half_a_payload_gives_no_value_that_the_whole_did_not(cut: int) -> None:
    try:
        half = decode(GOLDEN[:cut])
    except NotSparkplug:
        return
    assert half.metrics == decode(GOLDEN).metrics[: len(half.metrics)]


@given(noise=st.binary(max_size=300))
def test_noise_is_a_payload_or_is_refused_and_every_number_stands_in_it(noise: bytes) -> None:
    try:
        payload = decode(noise)
    except NotSparkplug:
        return
    for metric in payload.metrics:
        if isinstance(metric.value, float) and metric.value == metric.value:
            wire = (struct.pack("<d", metric.value), _single(metric.value))
            assert any(one and one in noise for one in wire)


def _single(value: float) -> bytes:
    try:
        return struct.pack("<f", value)
    except OverflowError:
        return b""


@given(data=st.data())
def test_a_payload_with_one_byte_changed_never_crashes(data: st.DataObject) -> None:
    place = data.draw(st.integers(0, len(GOLDEN) - 1))
    spoilt = GOLDEN[:place] + bytes((data.draw(st.integers(0, 255)),)) + GOLDEN[place + 1 :]
    try:
        for metric in decode(spoilt).metrics:
            number(metric, metric.datatype)
    except NotSparkplug:
        return


NODE = ("plant", "edge")
SAID = {
    "alias": (Metric(alias=1, value=7.0),),
    "stranger": (Metric(alias=99, value=7.0),),
    "born": (Metric("co", 1, 1000, DataType.DOUBLE, value=5.0), Metric("bdSeq", datatype=DataType.UINT64, value=3)),
    "unit": (Metric("level", 2, 1000, DataType.FLOAT, value=2.5),),
    "old death": (Metric("bdSeq", datatype=DataType.UINT64, value=2),),
    "death": (Metric("bdSeq", datatype=DataType.UINT64, value=3),),
    "nothing": (),
}


def story(*steps: tuple[str, int | None, str]) -> list[list[str]]:
    """What each message (verb, sequence number, what it says) comes to, in words."""
    sessions = Sessions([NODE])
    told = []
    for verb, seq, said in steps:
        topic = f"spBv1.0/plant/{verb}/edge" + ("/dust" if verb[0] == "D" else "")
        where = address(topic)
        assert where is not None
        told.append([_words(one) for one in sessions.take(where, Payload(2000, seq, SAID[said]))])
    return told


def _words(outcome: Outcome) -> str:
    if isinstance(outcome, Reported):
        return f"{outcome.key[3]} {outcome.value:g}"
    if isinstance(outcome, Lost):
        return f"{outcome.unit or 'all'} {'died' if outcome.why is Loss.DIED else 'in doubt'}"
    assert isinstance(outcome, AskRebirth)
    return "rebirth"


def test_a_node_is_born_speaks_by_alias_and_dies() -> None:
    assert story(
        ("NBIRTH", 0, "born"),
        ("NDATA", 1, "alias"),
        ("DBIRTH", 2, "unit"),
        ("DDEATH", 3, "nothing"),
        ("NDEATH", None, "death"),
    ) == [["co 5", "bdSeq 3"], ["co 7"], ["level 2.5"], ["dust died"], ["all died"]]


def test_data_before_a_birth_asks_for_one_and_has_no_value() -> None:
    assert story(("NDATA", 4, "alias"), ("DDATA", 5, "unit")) == [["rebirth"], ["rebirth"]]


def test_a_number_that_was_skipped_puts_everything_in_doubt_until_the_rebirth() -> None:
    steps = [("NBIRTH", 254, "born"), ("NDATA", 255, "alias"), ("NDATA", 0, "alias"), ("NDATA", 2, "alias")]
    assert story(*steps, ("NDATA", 3, "alias"), ("NBIRTH", 0, "born")) == [
        ["co 5", "bdSeq 3"],
        ["co 7"],
        ["co 7"],
        ["all in doubt", "rebirth"],
        ["rebirth"],
        ["co 5", "bdSeq 3"],
    ]


def test_the_death_of_an_earlier_session_is_not_believed() -> None:
    assert story(("NBIRTH", 0, "born"), ("NDEATH", None, "old death"), ("NDATA", 1, "alias")) == [
        ["co 5", "bdSeq 3"],
        [],
        ["co 7"],
    ]


def test_an_alias_or_a_device_that_was_never_born_asks_for_a_rebirth() -> None:
    assert story(("NBIRTH", 0, "born"), ("NDATA", 1, "stranger"), ("DDATA", 2, "unit"), ("DDATA", 3, "alias")) == [
        ["co 5", "bdSeq 3"], ["rebirth"], ["rebirth"], ["rebirth"]
    ]  # fmt: skip


def test_a_message_without_a_sequence_number_is_a_gap() -> None:
    assert story(("NBIRTH", 0, "born"), ("NDATA", None, "alias")) == [["co 5", "bdSeq 3"], ["all in doubt", "rebirth"]]


@pytest.mark.parametrize(
    "topic",
    [
        "spBv1.0/plant/NCMD/edge",
        "spBv1.0/STATE/host",
        "spAv1.0/p/NDATA/e",
        "spBv1.0/p/DDATA/e",
        "x",
        "spBv1.0/p/NDATA/e/d",
    ],
)
def test_topics_that_are_not_for_a_host_are_passed_over(topic: str) -> None:
    assert address(topic) is None


STEPS = st.tuples(
    st.sampled_from(["NBIRTH", "NDATA", "NDEATH", "DBIRTH", "DDATA", "DDEATH"]),
    st.one_of(st.none(), st.integers(0, 255)),
    st.sampled_from(sorted(SAID)),
)


@given(steps=st.lists(STEPS, max_size=30))
def test_nothing_has_a_value_outside_a_session_that_misses_nothing(steps: list[tuple[str, int | None, str]]) -> None:
    expected: int | None = None
    for (verb, seq, _), outcomes in zip(steps, story(*steps), strict=True):
        spoke = any(words.split()[0] in ("co", "level", "bdSeq") for words in outcomes)
        if verb == "NBIRTH":
            expected = seq
        elif verb != "NDEATH" and spoke:
            assert expected is None or seq == (expected + 1) % 256
            expected = seq
        elif verb in ("DDEATH", "NDATA", "DDATA", "DBIRTH") and "rebirth" not in outcomes:
            expected = seq
        if verb == "NDEATH":
            assert not spoke
