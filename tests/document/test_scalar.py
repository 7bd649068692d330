"""Laws of places inside a text: however YAML writes it, a character is found where it stands."""

from __future__ import annotations

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.document import read_yaml

EXPRESSION = "flow > 1 m3/h and fautl == 1"
WRITTEN = {
    "plain": "when: flow > 1 m3/h and ¦fautl == 1",
    "plain, folded": "when: flow > 1 m3/h\n  and\n  ¦fautl == 1",
    "plain, on its own line": "when:\n  flow > 1 m3/h and ¦fautl == 1",
    "single": "when: 'flow > 1 m3/h and ¦fautl == 1'",
    "double": 'when: "flow > 1 m3/h and ¦fautl == 1"',
    "double, folded": 'when: "flow > 1 m3/h\n    and ¦fautl == 1"',
    "double, escapes": r'when: "flow \x3e 1\u0020m3\/h and ¦fautl == 1"',
    "double, broken line": 'when: "flow > 1 m3/h an\\\n    d ¦fautl == 1"',
    "literal": "when: |-\n  flow > 1 m3/h and ¦fautl == 1",
    "folded": "when: >-\n  flow > 1 m3/h\n  and ¦fautl == 1",
    "folded, with a comment": "when: >-  # a|b\n    flow > 1 m3/h\n    and ¦fautl == 1",
    "folded, indented by hand": "a:\n  when: >2-\n    flow > 1 m3/h\n    and ¦fautl == 1",
    "anchored": "when: &x 'flow > 1 m3/h and ¦fautl == 1'",
    "tagged": "when: !!str  # so\n  flow > 1 m3/h and ¦fautl == 1",
    "behind Chinese": "{题: 警钟, when: flow > 1 m3/h and ¦fautl == 1}",
    "behind odd line breaks": "a: 'x\u2028y\x85z'\nwhen: flow > 1 m3/h and ¦fautl == 1",
}


@pytest.mark.parametrize("marked", WRITTEN.values(), ids=WRITTEN)
def test_a_word_is_found_in_every_way_to_write_it(marked: str) -> None:
    document = read_yaml(marked.replace("¦", ""), "file.yaml")
    path = ("a", "when") if marked.startswith("a:\n") else ("when",)
    value = document.at(path)
    assert isinstance(value, str)
    assert value.split() == EXPRESSION.split()
    before = marked[: marked.index("¦")].replace("\u2028", "\n").replace("\x85", "\n")
    place = (before.count("\n") + 1, len(before) - before.rfind("\n"))
    assert document.place(path, offset=value.index("fautl")) == place


@pytest.mark.parametrize(
    ("text", "value", "offset", "place"),
    [
        ("when: flow >  # why", "flow >", 6, (1, 13)),
        ("when: 'flow > '", "flow > ", 7, (1, 15)),
        ("when: |\n  flow >\n", "flow >\n", 7, (2, 9)),
        ("when: 'it''s off'", "it's off", 3, (1, 12)),
        ("when: 'it''s off'", "it's off", 4, (1, 13)),
        ("when: ''", "", 0, (1, 7)),
        ("when: ' '", " ", 1, (1, 7)),
        ("when: !!str\nthen: x", "", 0, (1, 7)),
    ],
)
def test_the_end_and_blanks_have_a_place_as_well(text: str, value: str, offset: int, place: tuple[int, int]) -> None:
    document = read_yaml(text, "file.yaml")
    assert document.at(("when",)) == value
    assert document.place(("when",), offset=offset) == place


def test_what_is_no_text_has_the_place_of_its_value() -> None:
    document = read_yaml("when: 12\n", "file.yaml")
    assert document.place(("when",), offset=1) == (1, 7)
    assert document.place(("when", "else"), offset=1) == (1, 7)
    assert document.place(("when",), key=True, offset=1) == (1, 1)


@settings(max_examples=400, deadline=None)
@given(
    text=st.text("ab'\"\\ ", max_size=40)
    | st.text("a警>'\"\\# \n", max_size=60)
    | st.text("ab>'\"\\#:-[]{}&!|%警é \n\t\x85\u2028", max_size=60),
    style=st.sampled_from([None, "'", '"', "|", ">"]),
    width=st.integers(10, 60),
    depth=st.integers(0, 2),
    unicode=st.booleans(),
)
def test_every_character_stands_where_its_place_says(
    text: str, style: str | None, width: int, depth: int, *, unicode: bool
) -> None:
    data: object = text
    path = ("in",) * depth + ("a",)
    for key in reversed(path):
        data = {key: data}
    dumped = yaml.dump(data, default_style=style, width=width, allow_unicode=unicode)
    document = read_yaml(dumped, "file.yaml")
    value = document.at(path)
    assert isinstance(value, str)
    assert value.split() == text.split(), "blanks may change, for YAML knows more line breaks than one"
    lines = dumped.replace("\u2028", "\n").replace("\x85", "\n").split("\n")
    places = [
        (document.place(path, offset=offset), character)
        for offset, character in enumerate(value)
        if not character.isspace()
    ]
    assert len({place for place, _ in places}) == len(places)
    assert [place for place, _ in places] == sorted(place for place, _ in places)
    for (line, column), character in places:
        assert lines[line - 1][column - 1] in {character, "\\"}
