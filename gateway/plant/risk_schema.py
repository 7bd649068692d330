"""The plant file's section `risks`: its shape, and what it means."""

from __future__ import annotations

from gateway.document.fields import Id, Words
from gateway.plant.risk import ControlLevel, Risk, RiskColour
from gateway.plant.shape import Shape


class RiskShape(Shape):
    """A safety risk (安全风险), as the list of risks and the ledger of their control have it."""

    id: Id
    name: Words
    """Name of the risk (风险名称)."""
    team: Words
    """The team (班组) that looked for it."""
    post: Words
    """Post or step (岗位/环节)."""
    description: Words
    """What the risk is (风险描述)."""
    accident: Words
    """What accident it may lead to (可能引发的事故类型)."""
    likelihood: str = ""
    """How likely (可能性), in the words of the plant's own method."""
    severity: str = ""
    """How bad (后果严重程度)."""
    colour: RiskColour
    """red 重大, orange 较大, yellow 一般, blue 低."""
    measures: Words
    """What keeps it in hand (管控措施)."""
    control: ControlLevel
    """Who keeps it in hand (管控层级): company, workshop, team or post."""
    responsible: Words
    """The person responsible (管控责任人)."""
    frequency: Words
    """How often it is looked at (管控频次)."""
    area: Id
    equipment: Id | None = None

    def risk(self) -> Risk:
        return Risk(**{name: getattr(self, name) for name in type(self).model_fields})
