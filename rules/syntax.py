"""The expression line: text to tree, by a Pratt parser. Knows no names, types or units.

Never evaluates anything; every node keeps the offset of its text for messages.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass


class ExpressionError(Exception):
    """One mistake in an expression, at a character of its text (0-based)."""

    def __init__(self, at: int, expected: str, got: str) -> None:
        self.at, self.expected, self.got = at, expected, got
        super().__init__(f"at {at}: expected {expected}, got {got}")


@dataclass(frozen=True, slots=True)
class Number:
    """A quantity: `65 degC`; the unit is empty for a bare number."""

    value: float
    unit: str
    at: int


@dataclass(frozen=True, slots=True)
class Name:
    """`kind`, `parent.kind` or `limit.name`."""

    parts: tuple[str, ...]
    at: int

    @property
    def text(self) -> str:
        return ".".join(self.parts)


@dataclass(frozen=True, slots=True)
class Unary:
    operator: str
    operand: Expression
    at: int


@dataclass(frozen=True, slots=True)
class Binary:
    operator: str
    left: Expression
    right: Expression
    at: int


@dataclass(frozen=True, slots=True)
class Call:
    function: str
    arguments: tuple[Expression, ...]
    at: int


@dataclass(frozen=True, slots=True)
class ListOf:
    """`[a, b, c]`, the voters of a `vote`."""

    items: tuple[Expression, ...]
    at: int


@dataclass(frozen=True, slots=True)
class Word:
    """A word of the language that stands where an argument does, such as `always`."""

    text: str
    at: int


Expression = Number | Name | Word | Unary | Binary | Call | ListOf

COMPARISONS = frozenset({">", ">=", "<", "<=", "==", "!="})
_OPERATORS = frozenset({"and", "or", "not"})
_WORDS = frozenset({"always", "safety", "availability"})
RESERVED = _OPERATORS | _WORDS
"""What no point and no limit can be called."""
MOST = 120
"""Operators, opened brackets and calls in one expression: bounds its depth, and so what reading it may cost."""
_BINDING = {"or": 1, "and": 2, **dict.fromkeys(COMPARISONS, 4), "+": 5, "-": 5, "*": 6, "/": 6}
_NOT, _NEGATION = 3, 7

_TOKEN = re.compile(
    r"""(?P<space>\s+)
    |(?P<number>\d+(?:\.\d+)?(?!\.))
    |(?P<name>[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*)
    |(?P<operator>>=|<=|==|!=|[-+*/><(),\[\]])""",
    re.VERBOSE,
)
_UNIT = re.compile(r"[ \t]*((?:[^\W\d_]|[%°℃℉Δ])(?:[\w%°³²^·]|/(?=\w))*(?:[(（](?:[aAgG]|abs|绝压|表压)[)）])?)")
"""What may follow a number; it holds no blanks, so `5 mm / x` is a division."""


@dataclass(frozen=True, slots=True)
class _Token:
    kind: str
    text: str
    at: int
    unit: str = ""


def parse(text: str) -> Expression:
    """The tree of one expression; raises ExpressionError at the first mistake."""
    tokens = list(_tokens(text))
    heavy = [token for token in tokens if token.kind == "operator" and token.text not in {",", ")", "]"}]
    if len(heavy) > MOST:
        raise ExpressionError(heavy[MOST].at, f"at most {MOST} operators and brackets in one expression", "more")
    return _Parser(tokens, len(text)).whole()


def walk(expression: Expression) -> Iterator[Expression]:
    """Every node, parents before children, left to right."""
    yield expression
    match expression:
        case Unary():
            yield from walk(expression.operand)
        case Binary():
            yield from walk(expression.left)
            yield from walk(expression.right)
        case Call(arguments=several) | ListOf(items=several):
            for argument in several:
                yield from walk(argument)
        case _:
            pass


def names(expression: Expression) -> tuple[str, ...]:
    """The names in it, each once, in order of appearance."""
    return tuple(dict.fromkeys(node.text for node in walk(expression) if isinstance(node, Name)))


def spelled(expression: Expression) -> str:
    """The expression as text in one spelling: equal for two that differ in blanks and brackets only."""
    match expression:
        case Number():
            return f"{expression.value:g} {expression.unit}".rstrip()
        case Name() | Word():
            return expression.text
        case Unary():
            return f"{expression.operator}{' ' if expression.operator == 'not' else ''}{_inner(expression.operand)}"
        case Binary():
            return f"{_inner(expression.left)} {expression.operator} {_inner(expression.right)}"
        case Call():
            return f"{expression.function}({', '.join(map(spelled, expression.arguments))})"
        case ListOf():
            return f"[{', '.join(map(spelled, expression.items))}]"


def _inner(expression: Expression) -> str:
    return f"({spelled(expression)})" if isinstance(expression, Binary | Unary) else spelled(expression)


def _tokens(text: str) -> Iterator[_Token]:
    at = 0
    while at < len(text):
        match = _TOKEN.match(text, at)
        if match is None:
            raise ExpressionError(at, "a name, a number or an operator", repr(text[at]))
        start, at = at, match.end()
        kind = match.lastgroup or ""
        if kind == "space":
            continue
        if kind == "number":
            unit = _UNIT.match(text, at)
            if unit is not None and unit.group(1) not in RESERVED:
                at = unit.end()
                yield _Token(kind, match.group(), start, unit.group(1))
                continue
        if kind == "name" and match.group() in RESERVED:
            kind = "operator" if match.group() in _OPERATORS else "word"
        yield _Token(kind, match.group(), start)


class _Parser:
    def __init__(self, tokens: list[_Token], length: int) -> None:
        self._tokens = tokens
        self._position = 0
        self._end = _Token("end", "the end of the expression", length)

    def whole(self) -> Expression:
        expression = self._expression(0)
        if self._peek().kind != "end":
            raise ExpressionError(self._peek().at, "an operator or the end", repr(self._peek().text))
        return expression

    def _peek(self) -> _Token:
        return self._tokens[self._position] if self._position < len(self._tokens) else self._end

    def _next(self) -> _Token:
        token = self._peek()
        self._position += 1
        return token

    def _expect(self, text: str) -> None:
        token = self._next()
        if token.text != text:
            raise ExpressionError(token.at, repr(text), _shown(token))

    def _expression(self, binding: int) -> Expression:
        left = self._prefix()
        while True:
            token = self._peek()
            strength = _BINDING.get(token.text, 0) if token.kind == "operator" else 0
            if strength <= binding:
                return left
            self._next()
            right = self._expression(strength)
            left = Binary(token.text, left, right, token.at)
            following = self._peek()
            if token.text in COMPARISONS and following.text in COMPARISONS:
                raise ExpressionError(following.at, "one comparison at a time, joined by 'and'", repr(following.text))

    def _prefix(self) -> Expression:
        token = self._next()
        if token.kind == "number":
            return _number(token)
        if token.kind == "word":
            return Word(token.text, token.at)
        if token.text == "[":
            return ListOf(self._several("]"), token.at)
        if token.kind == "name":
            return self._call(token) if self._peek().text == "(" else Name(tuple(token.text.split(".")), token.at)
        if token.text == "(":
            inner = self._expression(0)
            self._expect(")")
            return inner
        if token.text == "-":
            return Unary("-", self._expression(_NEGATION), token.at)
        if token.text == "not":
            return Unary("not", self._expression(_NOT), token.at)
        raise ExpressionError(token.at, "a name, a number, 'not' or '('", _shown(token))

    def _call(self, token: _Token) -> Expression:
        self._expect("(")
        return Call(token.text, self._several(")"), token.at)

    def _several(self, end: str) -> tuple[Expression, ...]:
        items: list[Expression] = []
        while self._peek().text != end:
            if items:
                self._expect(",")
            items.append(self._expression(0))
        self._expect(end)
        return tuple(items)


def _number(token: _Token) -> Number:
    value = float(token.text)
    if math.isinf(value):
        raise ExpressionError(token.at, "a number below 1e308", f"one of {len(token.text)} digits")
    return Number(value, token.unit, token.at)


def _shown(token: _Token) -> str:
    return token.text if token.kind == "end" else repr(token.text)
