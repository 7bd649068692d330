"""A state machine as a table: a pair that is not listed is illegal and raises.

The diagrams in docs/ are drawn from these tables and never by hand.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Generic, TypeVar

from gateway.errors import IllegalTransition

State = TypeVar("State", bound=StrEnum)
Action = TypeVar("Action", bound=StrEnum)


@dataclass(frozen=True, slots=True)
class Table(Generic[State, Action]):
    """All legal moves of one machine."""

    machine: str
    initial: State
    moves: Mapping[State, Mapping[Action, State]]

    def next(self, subject: str, state: State, action: Action) -> State:
        """The state after `action`; raises IllegalTransition for a pair that is not listed."""
        after = self.moves[state].get(action)
        if after is None:
            raise IllegalTransition(self.machine, subject, state, action, self.allowed(state))
        return after

    def allowed(self, state: State) -> tuple[Action, ...]:
        return tuple(self.moves[state])

    def rows(self) -> Iterator[tuple[State, Action, State]]:
        for state, moves in self.moves.items():
            for action, after in moves.items():
                yield state, action, after

    def mermaid(self) -> str:
        """The table as a Mermaid state diagram."""
        lines = ["stateDiagram-v2", f"    [*] --> {self.initial.value}"]
        lines += [f"    {state.value} --> {after.value}: {action.value}" for state, action, after in self.rows()]
        lines += [f"    {state.value} --> [*]" for state, moves in self.moves.items() if not moves]
        return "\n".join(lines) + "\n"
