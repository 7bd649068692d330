"""Laws of the reader: any text is values or problems, each value has its place, and no file can hurt."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.document import read_file, read_yaml

JUNK = st.text("ab1{}[]:,-&*!?|>'\"% \n\t#@`~\\\0\ufeff\x85é警", max_size=60)


@settings(max_examples=400, deadline=None)
@given(st.text() | JUNK | st.text("a&*!<: [{]},-\n", max_size=40))
def test_any_text_is_values_or_problems_and_never_an_exception(text: str) -> None:
    document = read_yaml(text, "file.yaml")
    for problem in document.problems:
        assert problem.file == "file.yaml"
        assert problem.expected
        assert problem.got


@pytest.mark.parametrize(
    "text",
    ["[" * 100_000, "[" * 300 + "]" * 300, "- " * 5_000, "\n".join(" " * n + "a:" for n in range(300))],
    ids=["unclosed", "flow", "compact", "block"],
)
def test_a_text_too_deep_for_the_parser_is_refused_where_it_gets_too_deep(text: str) -> None:
    (problem,) = read_yaml(text, "file.yaml").problems
    assert "at most 100 levels" in problem.expected
    assert (problem.line, problem.column) in {(1, 101), (1, 201), (101, 101)}


def test_a_hundred_levels_are_read() -> None:
    document = read_yaml("[" * 100 + "]" * 100, "file.yaml")
    assert not document.problems
    assert document.at((0,) * 99) == []


def test_anchors_that_pile_up_levels_are_refused() -> None:
    lines = ["a0: &a0 " + "[" * 60 + "]" * 60] + [f"a{n}: &a{n} {'[' * 60}*a{n - 1}{']' * 60}" for n in range(1, 40)]
    (problem,) = read_yaml("\n".join(lines), "file.yaml").problems
    assert "levels deep" in problem.expected


def test_merges_that_unfold_without_end_are_refused() -> None:
    lines = ["a0: &a0 {x: 1}"] + [f"a{n}: &a{n} {{<<: [{', '.join([f'*a{n - 1}'] * 10)}]}}" for n in range(1, 12)]
    (problem,) = read_yaml("\n".join(lines), "file.yaml").problems
    assert "at most 300000 values" in problem.expected


@pytest.mark.parametrize("own", ["{<<: [*first, *second], here: 3}", "{here: 3, <<: [*first, *second]}"])
def test_a_mapping_keeps_its_own_keys_and_places_beside_merged_ones(own: str) -> None:
    text = f"- &first {{here: 1, there: 1}}\n- &second {{there: 2, far: 2}}\n- {own}\n"
    document = read_yaml(text, "file.yaml")
    assert document.at((2,)) == {"here": 3, "there": 1, "far": 2}
    assert document.place((2,)) == (3, 3), "the mapping itself, not what it merges"
    assert document.place((2, "here")) == (3, 3 + own.index("3"))
    assert document.place((2, "there")) == (1, 1 + text.index("1, there: 1") + len("1, there: "))


@pytest.mark.parametrize("character", ["\0", "\x07", "\x1b", "\ud800", "\ufeff"])
def test_a_character_that_nobody_can_see_is_a_problem_at_its_place(character: str) -> None:
    (problem,) = read_yaml(f"名: 警钟\n地: 警{character}钟\n", "file.yaml").problems
    assert (problem.line, problem.column) == (2, 5)
    assert problem.got == f"the character U+{ord(character):04X}"


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("010", "010"),
        ("1:30", "1:30"),
        ("1_000", "1_000"),
        ("1e3", 1000.0),
        ("0x1F", 31),
        ("on", True),
        ("~", None),
        ("'1'", "1"),
    ],
)
def test_scalars_mean_what_yaml_1_2_says_but_for_booleans(written: str, value: object) -> None:
    document = read_yaml(f"key: {written}", "file.yaml")
    assert document.at(("key",)) == value
    assert not document.problems


@pytest.mark.parametrize(
    ("text", "place", "expected"),
    [
        ("a: 1\na: 2\n", (2, 1), "each key once"),
        ("a: !!python/object:os.system ls\n", (1, 4), "a value without a tag"),
        ("a: &x [*x]\n", (1, 4), "a value"),
        ("a: {<<: 1}\n", (1, 9), "a mapping after <<"),
        ("a: *b\n", (1, 4), "well-formed YAML"),
    ],
)
def test_a_mistake_of_form_has_its_place(text: str, place: tuple[int, int], expected: str) -> None:
    (problem,) = read_yaml(text, "file.yaml").problems
    assert (problem.line, problem.column) == place
    assert problem.expected == expected


def test_a_file_that_cannot_be_read_is_a_problem_and_no_exception(tmp_path: Path) -> None:
    (problem,) = read_file(tmp_path / "none.yaml", "a pack to read").problems
    assert (problem.line, problem.expected, problem.got) == (0, "a pack to read", "no such file or directory")
    (tmp_path / "old.yaml").write_bytes("名: 警钟".encode("gb18030"))
    (problem,) = read_file(tmp_path / "old.yaml", "a pack to read").problems
    assert problem.expected == "a text file in UTF-8"


def test_a_byte_order_mark_moves_no_column(tmp_path: Path) -> None:
    (tmp_path / "marked.yaml").write_bytes(b"\xef\xbb\xbfa: b c\n")
    document = read_file(tmp_path / "marked.yaml", "a pack to read")
    assert document.value == {"a": "b c"}
    assert document.place(("a",), offset=2) == (1, 6)
    assert read_yaml("\ufeffa: b c\n", "file.yaml").place(("a",), offset=2) == (1, 6)
