"""The forms by their ids: what each is called, and the sheets that its workbook has."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from gateway.ledgers import count_forms, hazard_forms, plant_forms, risk_forms
from gateway.ledgers.analysis_form import analysis_sheet
from gateway.ledgers.filling import Filling, Proven
from gateway.ledgers.form import Form, Period
from gateway.ledgers.proof_form import proof_ledger
from gateway.machines.ticket import Ticket
from gateway.plant.model import Plant, Text
from gateway.sample import Instant


@dataclass(frozen=True, slots=True)
class Prescribed:
    """One form that can be asked for."""

    name: Text
    sheets: tuple[Callable[[Filling], Form], ...]
    """The form itself, and what comes with it in the workbook."""


FORMS: dict[str, Prescribed] = {
    "hazards": Prescribed(Text("隐患排查台账", "Hazard ledger"), (hazard_forms.hazard_ledger, analysis_sheet)),
    "major": Prescribed(Text("重大事故隐患台账", "Ledger of major hazards"), (hazard_forms.major_ledger,)),
    "weekly": Prescribed(Text("周调度统计表", "Weekly table"), (count_forms.weekly_table,)),
    "cross-check": Prescribed(Text("交叉检查汇总表", "Cross-check summary"), (hazard_forms.cross_check,)),
    "issues": Prescribed(Text("检查问题隐患清单", "List of issues found"), (hazard_forms.issue_list,)),
    "monthly": Prescribed(Text("月度排查整治清单", "Monthly summary"), (count_forms.monthly_summary,)),
    "risks": Prescribed(Text("安全风险辨识清单", "List of risks"), (risk_forms.risk_list,)),
    "risk-control": Prescribed(Text("风险分级管控台账", "Risk control ledger"), (risk_forms.control_ledger,)),
    "profile": Prescribed(Text("一企一档", "Enterprise profile"), (plant_forms.profile,)),
    "equipment": Prescribed(
        Text("设备设施台账", "Equipment ledger"),
        (plant_forms.equipment_ledger, plant_forms.instrument_ledger, proof_ledger),
    ),
    "analysis": Prescribed(Text("隐患统计分析", "Analysis"), (analysis_sheet,)),
}
"""In the order of the page."""


def filled(
    form: str,
    plant: Plant,
    tickets: Iterable[Ticket],
    period: Period,
    now: Instant,
    interlocks: Sequence[Proven] = (),
) -> tuple[Form, ...]:
    """The sheets of a form, itself first, tickets in the order of their finding. Raises KeyError for no form."""
    given = Filling.of(plant, tickets, period, now, interlocks)
    return tuple(sheet(given) for sheet in FORMS[form].sheets)
