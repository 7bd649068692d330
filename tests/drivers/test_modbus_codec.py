"""Laws of the Modbus codec: what goes in comes out, and nothing that came out of noise is GOOD by luck."""

from __future__ import annotations

import math
import struct

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.modbus.address import NumberType, PointAddress
from drivers.modbus.codec import Decoded, Form, bad, decode, encode, encode_fault, form_of
from drivers.modbus.layout import Layout, Placed
from drivers.modbus.settings import Order, TcpSettings
from gateway.sample import Quality, Reason

ORDERS = st.sampled_from(Order)
WORD = st.integers(0, 0xFFFF)
INTEGERS = [t for t in NumberType if t.value.startswith(("u", "i"))]
UNSIGNED = [t for t in NumberType if t.is_unsigned]
FLOATS = [NumberType.FLOAT32, NumberType.FLOAT64]
TEXTS = {
    b"OK": Decoded(0.5, Quality.GOOD, Reason.NONE),
    b"O": Decoded(99_999.0, Quality.GOOD, Reason.NONE),
    b"KO": bad(Reason.SENSOR_FAULT),
}


@st.composite
def forms(draw: st.DrawFn) -> Form:
    number = draw(st.sampled_from(NumberType))
    if number is NumberType.STRING:
        return Form(number, draw(ORDERS), draw(ORDERS), length=draw(st.integers(1, 3)), texts=TEXTS)
    bits = draw(st.none() | spans(number)) if number.is_unsigned else None
    return Form(
        type=number,
        byte_order=draw(ORDERS),
        word_order=draw(ORDERS),
        bit=draw(st.none() | st.integers(0, 15)) if number is NumberType.BOOL else None,
        bits=bits,
        scale=draw(st.sampled_from([1.0, 0.1, -0.5, 1e300])),
        offset=draw(st.sampled_from([0.0, -40.0])),
        faults=draw(codes(number, [Reason.SENSOR_FAULT, Reason.WARMING_UP])),
    )


@st.composite
def statuses(draw: st.DrawFn) -> Form:
    number = draw(st.sampled_from([each for each in NumberType if each is NumberType.BOOL or each in INTEGERS]))
    known = draw(codes(number, [Reason.SENSOR_FAULT, Reason.WARMING_UP, Reason.SOURCE_DOUBT]))
    good = draw(st.none() | st.frozensets(st.sampled_from([0, 1, 7])))
    bits = draw(st.none() | spans(number)) if number.is_unsigned else None
    return Form(number, draw(ORDERS), draw(ORDERS), bits=bits, faults=known, good=good)


def spans(number: NumberType) -> st.SearchStrategy[tuple[int, int]]:
    bit = st.integers(0, 16 * number.registers - 1)
    return st.tuples(bit, bit).map(lambda two: (min(two), max(two)))


def codes(number: NumberType, reasons: list[Reason]) -> st.SearchStrategy[dict[int, Reason]]:
    candidates = [raw for raw in (-9999, -1, 0, 1, 7, 32767, 65535) if number.holds(raw)]
    return st.dictionaries(st.sampled_from(candidates), st.sampled_from(reasons))


def words_for(form: Form) -> st.SearchStrategy[list[int]]:
    edge = st.sampled_from([0, 1, 7, 0x7FFF, 0x8000, 0x7F80, 0x7FF0, 0x7FC0, 0xFFFF, 0xD8F1, 0x4F4B, 0x4B4F])
    return st.lists(WORD | edge, min_size=form.registers, max_size=form.registers)


@given(data=st.data(), number=st.sampled_from(INTEGERS), byte=ORDERS, word=ORDERS)
def test_an_integer_comes_back_as_it_went_in(data: st.DataObject, number: NumberType, byte: Order, word: Order) -> None:
    bits = 16 * number.registers
    low, high = (0, 2**bits - 1) if number.value.startswith("u") else (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1)
    value = data.draw(st.integers(max(low, -(2**53)), min(high, 2**53)))
    form = Form(number, byte, word)
    assert decode(form, encode(form, value)).value == value


@given(value=st.floats(allow_nan=False, allow_infinity=False), byte=ORDERS, word=ORDERS)
def test_a_double_comes_back_bit_for_bit(value: float, byte: Order, word: Order) -> None:
    form = Form(NumberType.FLOAT64, byte, word)
    assert decode(form, encode(form, value)).value == value


@given(value=st.floats(width=32, allow_nan=False, allow_infinity=False), byte=ORDERS, word=ORDERS)
def test_a_float_comes_back_bit_for_bit(value: float, byte: Order, word: Order) -> None:
    form = Form(NumberType.FLOAT32, byte, word)
    assert decode(form, encode(form, value)).value == value


@given(bit=st.integers(0, 15), held=WORD, value=st.sampled_from([0, 1]), byte=ORDERS)
def test_writing_a_bit_leaves_the_other_bits_alone(bit: int, held: int, value: int, byte: Order) -> None:
    form = Form(NumberType.BOOL, byte, bit=bit)
    (word,) = encode(form, value, (held,))
    assert decode(form, (word,)).value == value
    assert (word ^ held).bit_count() <= 1


@given(raw=st.integers(-32768, 32767), scale=st.sampled_from([0.1, 0.01, 2.0, -0.5]), offset=st.sampled_from([0, -40]))
def test_scale_and_offset_are_undone_by_encoding(raw: int, scale: float, offset: float) -> None:
    form = Form(NumberType.INT16, scale=scale, offset=offset)
    assert decode(form, encode(form, raw * scale + offset)).value == raw * scale + offset


def test_the_layout_on_the_wire_is_the_one_of_the_handbooks() -> None:
    # 123456.0 as float32 is 47F1 2000; the four orders that meters really use.
    value = 123456.0
    big, little = Order.BIG, Order.LITTLE
    assert encode(Form(NumberType.FLOAT32, big, big), value) == (0x47F1, 0x2000)
    assert encode(Form(NumberType.FLOAT32, big, little), value) == (0x2000, 0x47F1)
    assert encode(Form(NumberType.FLOAT32, little, big), value) == (0xF147, 0x0020)
    assert encode(Form(NumberType.FLOAT32, little, little), value) == (0x0020, 0xF147)
    assert struct.pack(">f", value).hex() == "47f12000"


@given(data=st.data(), low=st.sampled_from([-math.inf, 0.0, -100.0]), high=st.sampled_from([math.inf, 1.0, 5000.0]))
def test_a_scan_decodes_exactly_as_its_points_one_by_one(data: st.DataObject, low: float, high: float) -> None:
    words: list[int] = []

    def lay(form: Form) -> int:
        words.extend(data.draw(words_for(form)))
        return len(words) - form.registers

    placed = []
    for form in data.draw(st.lists(forms(), min_size=1, max_size=12)):
        status = data.draw(st.none() | statuses())
        position = lay(form)
        placed.append(Placed(form, position, low, high, status, lay(status) if status is not None else 0))
    value, reason = Layout(placed).decode(np.array(words, dtype=">u2"))
    for row, one in enumerate(placed):
        alone = decode(one.form, words[one.position : one.position + one.form.registers], low, high)
        if one.status is not None:
            at = one.status_position
            told = decode(one.status, words[at : at + one.status.registers]).reason
            if told is Reason.SOURCE_DOUBT and alone.reason is Reason.NONE:
                alone = Decoded(alone.value, Quality.UNCERTAIN, told)
            elif told not in (Reason.NONE, Reason.SOURCE_DOUBT):
                alone = bad(told)
        assert reason[row] == alone.reason
        assert value[row] == alone.value or (math.isnan(value[row]) and math.isnan(alone.value))


@given(
    form=forms(),
    words=st.lists(st.integers(-5, 70_000), max_size=6),
    low=st.floats(-1e6, 0),
    high=st.floats(0, 1e6),
)
def test_random_words_never_crash_and_are_good_only_if_well_formed(
    form: Form, words: list[int], low: float, high: float
) -> None:
    decoded = decode(form, words, low, high)
    if decoded.quality is Quality.GOOD:
        assert decoded.reason is Reason.NONE
        assert len(words) == form.registers
        assert low - 0.01 <= decoded.value <= high + 0.01
    else:
        assert decoded.reason is not Reason.NONE
        assert math.isnan(decoded.value)


@pytest.mark.parametrize("number", FLOATS)
@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_what_is_no_number_is_bad_and_has_no_value(number: NumberType, value: float) -> None:
    decoded = decode(Form(number), encode(Form(number), value))
    assert (decoded.quality, decoded.reason) == (Quality.BAD, Reason.NOT_A_NUMBER)
    assert math.isnan(decoded.value)


def test_a_fault_code_is_a_reason_and_never_a_value() -> None:
    device = TcpSettings(host="x", word_order=Order.LITTLE)
    faults = {-9999: "sensor_fault", -9998: "warming_up"}
    address = PointAddress.model_validate(
        {"table": "holding", "address": 0, "type": "int32", "scale": 0.1, "faults": faults}
    )
    form = form_of(address, device)
    assert decode(form, encode_fault(form, -9999)).reason is Reason.SENSOR_FAULT
    assert decode(form, encode_fault(form, -9998)).reason is Reason.WARMING_UP
    assert decode(form, encode_fault(form, -9997)).value == pytest.approx(-999.7)


@given(data=st.data(), number=st.sampled_from(UNSIGNED), byte=ORDERS, word=ORDERS)
def test_a_bit_field_comes_back_and_leaves_the_other_bits_alone(
    data: st.DataObject, number: NumberType, byte: Order, word: Order
) -> None:
    first, last = data.draw(spans(number).filter(lambda span: span[1] - span[0] < 53))
    held = data.draw(st.lists(WORD, min_size=number.registers, max_size=number.registers))
    value = data.draw(st.integers(0, 2 ** (last - first + 1) - 1))
    form = Form(number, byte, word, bits=(first, last))
    written = encode(form, value, held)
    assert decode(form, written).value == value
    for bit in {*range(16 * number.registers)} - {*range(first, last + 1)}:
        lone = Form(number, byte, word, bits=(bit, bit))
        assert decode(lone, written).value == decode(lone, held).value


def test_a_string_stands_for_what_its_states_say_and_any_other_text_for_nothing() -> None:
    states = {"RUN": 1, "STOP": 0, "ERR": "sensor_fault", "WARM": "warming_up"}
    address = PointAddress.model_validate(
        {"table": "holding", "address": 0, "type": "string", "length": 3, "states": states}
    )
    form = form_of(address, TcpSettings(host="x"))

    def told(text: bytes) -> Decoded:
        return decode(form, struct.unpack(">3H", text.ljust(6, b"\0")), 0, 1)

    assert (told(b"RUN").value, told(b" STOP ").value) == (1, 0)
    assert told(b"RUN\0xy").value == 1
    assert told(b"ERR").reason is Reason.SENSOR_FAULT
    assert told(b"WARM").reason is Reason.WARMING_UP
    for text in (b"", b"run", b"RUNS", b"\xff\xfe", b"STOP\x01"):
        assert told(text).reason is Reason.MALFORMED
    assert encode(form, 0) == (0x5354, 0x4F50, 0)
    little = form_of(address, TcpSettings(host="x", byte_order=Order.LITTLE, word_order=Order.LITTLE))
    assert decode(little, (0x5453, 0x504F, 0)).value == 0


def test_outside_the_range_there_is_no_value() -> None:
    form = Form(NumberType.UINT16, scale=0.1)
    assert decode(form, (3,), 0.0, 0.3).quality is Quality.GOOD
    assert decode(form, (4,), 0.0, 0.3).reason is Reason.OUT_OF_RANGE


@pytest.mark.parametrize("value", [-1, 65536, math.nan, math.inf])
def test_a_value_that_does_not_fit_is_refused_and_not_wrapped(value: float) -> None:
    with pytest.raises(ValueError, match="expected"):
        encode(Form(NumberType.UINT16), value)


@pytest.mark.parametrize(
    "address",
    [
        {"table": "coil", "address": 0, "type": "uint16"},
        {"table": "holding", "address": 65535, "type": "uint32"},
        {"table": "holding", "address": 0, "type": "uint16", "bit": 3},
        {"table": "coil", "address": 0, "bit": 3},
        {"table": "holding", "address": 0, "bit": 16},
        {"table": "holding", "address": 0, "type": "uint16", "faults": {-1: "sensor_fault"}},
        {"table": "holding", "address": 0, "scale": 0},
        {"table": "holding", "address": -1},
        {"table": "holding", "address": 0, "colour": "red"},
        {"table": "holding", "address": 0, "bits": [4, 16]},
        {"table": "holding", "address": 0, "bits": [7, 4]},
        {"table": "holding", "address": 0, "type": "int16", "bits": [0, 3]},
        {"table": "holding", "address": 0, "bits": [0, 3], "faults": {16: "sensor_fault"}},
        {"table": "holding", "address": 0, "type": "string", "length": 2},
        {"table": "holding", "address": 0, "type": "string", "states": {"OK": 1}},
        {"table": "holding", "address": 0, "type": "string", "length": 1, "states": {"LONG": 1}},
        {"table": "holding", "address": 0, "type": "string", "length": 2, "states": {"OK ": 1}},
        {"table": "holding", "address": 0, "type": "string", "length": 2, "states": {"OK": 1}, "scale": 2},
        {"table": "holding", "address": 0, "states": {"OK": 1}},
        {"table": "holding", "address": 0, "status": {"address": 1}},
        {"table": "holding", "address": 0, "status": {"address": 1, "faults": {1: "warming_up"}, "good": [1]}},
        {"table": "holding", "address": 0, "status": {"address": 1, "type": "float32", "good": [1]}},
        {"table": "holding", "address": 0, "status": {"address": 1, "bits": [0, 1], "good": [4]}},
    ],
)
def test_an_address_that_cannot_be_is_refused(address: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="validation error"):
        PointAddress.model_validate(address)


def test_the_type_follows_from_the_table_where_it_is_left_out() -> None:
    def number(**address: object) -> NumberType:
        return PointAddress.model_validate({"address": 1, **address}).type

    assert number(table="discrete") is NumberType.BOOL
    assert number(table="holding", bit=4) is NumberType.BOOL
    assert number(table="holding") is NumberType.UINT16


def loop(**more: object) -> Form:
    """0 to 100 at 4 to 20 mA, stored in microamperes."""
    current = {"raw_at_4": 4000, "raw_at_20": 20_000, "value_at_4": 0, "value_at_20": 100, **more}
    address = PointAddress.model_validate({"table": "input", "address": 0, "current": current})
    return form_of(address, TcpSettings(host="x"))


@pytest.mark.parametrize(
    ("microamperes", "quality", "reason"),
    [
        (0, Quality.BAD, Reason.SENSOR_FAULT),
        (3599, Quality.BAD, Reason.SENSOR_FAULT),
        (3600, Quality.UNCERTAIN, Reason.SOURCE_DOUBT),
        (3799, Quality.UNCERTAIN, Reason.SOURCE_DOUBT),
        (3800, Quality.GOOD, Reason.NONE),
        (4000, Quality.GOOD, Reason.NONE),
        (20_500, Quality.GOOD, Reason.NONE),
        (20_501, Quality.UNCERTAIN, Reason.SOURCE_DOUBT),
        (21_000, Quality.UNCERTAIN, Reason.SOURCE_DOUBT),
        (21_001, Quality.BAD, Reason.SENSOR_FAULT),
        (65_535, Quality.BAD, Reason.SENSOR_FAULT),
    ],
)
def test_a_current_outside_namur_limits_is_the_sensor_s_fault_and_never_a_value(
    microamperes: int, quality: Quality, reason: Reason
) -> None:
    found = decode(loop(), [microamperes], 0, 100)
    assert (found.quality, found.reason) == (quality, reason)
    assert math.isnan(found.value) == (quality is Quality.BAD)


def test_a_transmitter_with_limits_of_its_own_is_judged_by_them() -> None:
    found = decode(loop(valid=[3.9, 20.2], failure=[3.75, 21.75]), [3740], 0, 100)
    assert found.reason is Reason.SENSOR_FAULT
    assert decode(loop(failure=[3.6, 23.0]), [22_000], 0, 100).quality is Quality.UNCERTAIN


def test_a_current_at_a_limit_does_not_flutter_between_two_qualities() -> None:
    layout = Layout([Placed(loop(), 0, 0, 100)])

    def reasons(*currents: int) -> list[int]:
        return [int(layout.decode(np.array([current], dtype=">u2"))[1][0]) for current in currents]

    none, doubt, fault = Reason.NONE, Reason.SOURCE_DOUBT, Reason.SENSOR_FAULT
    assert reasons(4000, 3799, 3801, 3849, 3850) == [none, doubt, doubt, doubt, none]
    assert reasons(3599, 3601, 3649, 3650, 4000) == [fault, fault, fault, doubt, none]


def test_a_failed_read_tells_nothing_of_the_current() -> None:
    layout = Layout([Placed(loop(), 0, 0, 100)])
    layout.decode(np.array([0], dtype=">u2"), np.array([True]))
    assert layout.decode(np.array([3801], dtype=">u2"))[1][0] == Reason.NONE


@given(current=st.integers(0, 65_535), falls=st.booleans())
def test_no_current_outside_its_failure_limits_is_usable(current: int, falls: bool) -> None:
    form = loop(value_at_4=100, value_at_20=0) if falls else loop()
    found = decode(form, [current], 0, 100)
    assert (found.quality is Quality.BAD) == (not 3600 <= current <= 21_000)
    if found.quality is not Quality.BAD:
        share = (current - 4000) / 16_000
        assert found.value == pytest.approx(100 * (1 - share if falls else share))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"raw_at_20": 4000}, "different numbers"),
        ({"value_at_20": 0}, "different numbers"),
        ({"valid": [3.0, 20.5]}, "valid inside failure"),
        ({"valid": [20.5, 3.8]}, "valid inside failure"),
    ],
)
def test_a_current_loop_that_cannot_be_is_refused(change: dict[str, object], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        loop(**change)
