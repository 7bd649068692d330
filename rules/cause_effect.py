"""The rows of the cause-and-effect matrix of each equipment: interlocks, from rules that are compiled already.

A cause, effect or row whose points the plant does not have is listed as skipped, never guessed.
"""

from __future__ import annotations

from collections.abc import Mapping

from gateway.plant.model import Equipment, Output
from gateway.rule import Effect, EffectMode, InterlockInstance
from rules import syntax
from rules.blueprint import digest
from rules.draft import Draft, missing, points_of
from rules.packs import InterlockSource
from rules.program import Skipped


class CauseEffect:
    """Compiles interlocks into a draft; `columns` are the condition columns by rule instance."""

    def __init__(self, draft: Draft, columns: Mapping[str, int]) -> None:
        self._draft, self._columns = draft, columns
        self._outputs = {(output.equipment, output.kind): output for output in draft.plant.outputs}
        self.interlocks: list[InterlockInstance] = []

    def add(self, source: InterlockSource, equipment: Equipment) -> None:
        """The row of one interlock on one equipment, as far as the plant has its points."""
        model = source.model
        ids = {cause: f"{cause}@{equipment.id}" for cause in model.causes}
        causes = tuple(self._columns[instance] for instance in ids.values() if instance in self._columns)
        absent = tuple(cause for cause, instance in ids.items() if instance not in self._columns)
        effects = []
        for position in range(len(model.effects)):
            effect = self._effect(source, position, equipment)
            effects += [effect] if effect is not None else []
        if absent or not effects:
            self._draft.skipped.append(Skipped(model.id, equipment.id, absent))
        if not causes or not effects:
            return
        self.interlocks.append(
            InterlockInstance(
                index=len(self.interlocks),
                id=f"{model.id}@{equipment.id}",
                interlock=model.id,
                equipment=equipment.id,
                clauses=model.clause,
                name=model.name.text(),
                causes=causes,
                engaged=self._engaged(source, equipment),
                effects=tuple(effects),
            )
        )

    def _engaged(self, source: InterlockSource, equipment: Equipment) -> int | None:
        if source.engaged is None:
            return None
        scope = self._draft.scopes[equipment.id]
        absent = missing([source.engaged], scope)
        if absent:
            self._draft.skipped.append(Skipped(f"{source.model.id}/engaged", equipment.id, absent))
            return None
        return self._draft.condition(source.engaged, scope)

    def _effect(self, source: InterlockSource, position: int, equipment: Equipment) -> Effect | None:
        model, expression = source.model.effects[position], source.effects[position]
        scope = self._draft.scopes[equipment.id]
        name = f"{source.model.id}/{model.id}"
        absent = missing([expression], scope)
        if absent:
            self._draft.skipped.append(Skipped(name, equipment.id, absent))
            return None
        points = points_of(expression, scope)
        scan = self._draft.slowest(points)
        if scan * 5 > model.within:
            expected = f"feedback at least every {model.within // 5000} ms to judge {model.within // 1000} ms"
            self._draft.warn(f"{name}@{equipment.id}", expected, f"every {scan // 1000} ms")
        output = self._output(model.output, equipment)
        if output is not None and model.value not in output.values:
            expected = f"{model.value:g} among them"
            self._draft.problem(f"outputs {output.id}.values", expected, f"{list(output.values)}")
        if output is not None and output.guard.conditional and model.value != output.guard.fail_safe:
            expected = f"{model.value:g}, which {source.model.id} commands: no rate and no permissive may refuse that"
            got = "nothing" if output.guard.fail_safe is None else f"{output.guard.fail_safe:g}"
            self._draft.problem(f"outputs {output.id}.fail_safe", expected, got)
        return Effect(
            id=model.id,
            name=model.name.text(),
            condition=self._draft.condition(expression, scope),
            within=model.within,
            scan=scan,
            mode=EffectMode.OBSERVE if output is None else EffectMode.COMMAND,
            output=None if output is None else output.id,
            value=model.value,
            points=points,
            hash=self._hash(source, position, equipment),
            nature=model.nature,
        )

    def _hash(self, source: InterlockSource, position: int, equipment: Equipment) -> str:
        """Of what a proof rests on: another limit, point or time asks for another proof, another name does not."""
        model, scope = source.model.effects[position], self._draft.scopes[equipment.id]
        expressions = [each for each in (source.effects[position], source.engaged) if each is not None]
        points = self._draft.plant.points
        used = {name for expression in expressions for name in syntax.names(expression)}
        return digest(
            [model.expression, model.within, model.output, model.value, source.model.engaged],
            sorted((name, points[each.index].id) for name, each in scope.points.items() if name in used),
            sorted((name, each.value, each.unit) for name, each in scope.limits.items() if name in used),
        )

    def _output(self, name: str | None, equipment: Equipment) -> Output | None:
        """The output that commands an effect, if the plant file allows one."""
        if name is None:
            return None
        holder = equipment.parent if name.startswith("parent.") else equipment.id
        output = self._outputs.get((holder or "", name.removeprefix("parent.")))
        return output if output is not None and output.allowed else None
