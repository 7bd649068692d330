"""Each form beside its notice: title, attachment, column heads, lines around the table and how it prints."""

from __future__ import annotations

from io import BytesIO

import pytest
from openpyxl import load_workbook
from openpyxl.cell.cell import MergedCell
from openpyxl.worksheet.worksheet import Worksheet

from gateway.ledgers.forms import FORMS, filled
from gateway.ledgers.workbook import written
from tests.engine.scripted import plant
from tests.ledgers.test_forms import AFTER, MARCH, ticket
from tests.ledgers.test_forms import at as moment

ACTION = "冶金工贸行业隐患排查整治专项行动"

# 忻应急发〔2024〕216号 附件1, 2, 4, 5
_MAJOR = (
    "序号 企业名称 所在市(县、区) 行业类别 检查环节 检查单位 检查时间 重大隐患明细 整改措施 挂牌督办单位 "
    "行政处罚情况 整改完成情况 备注"
)
_CROSS = (
    "序号 企业名称 所在县(市、区) 行业 检查单位 检查时间 一般隐患(条) 重大事故隐患(条) 采取的行政处罚措施 "
    "行政情况 整改完成情况 备注"
)
# 泽州县安委会 附件2
_MONTHLY = (
    "日期 相关负责同志分别现场督导检查(次) 发现问题隐患(个) 自查(家次) 发现问题隐患(个) 整改(个) "
    "其中重大隐患(个) 整改(个) 部门检查经营单位(家次) 发现问题隐患(个) 整改(个) 其中重大隐患(个) 整改(个) "
    "责令停产整顿/关闭取缔(家) 曝光、约谈、联合惩戒企业(家) 责任倒查/追究问责(人)"
)
# 泽应急发〔2026〕58号 names what these say and prints no table.
_HAZARDS = (
    "序号 隐患名称 所在位置 隐患描述 隐患等级 排查人 排查时间 责任部门 责任人 整改措施 整改时限 "
    "整改完成情况 销号时间 备注"
)

PRINTED = {
    "weekly": ("附件 1", f"{ACTION}周调度统计表", "序号 类别 要点 备注"),
    "major": ("附件 2", f"{ACTION}重大事故隐患台账", _MAJOR),
    "cross-check": ("附件 4", f"{ACTION}县级交叉检查隐患情况汇总表", _CROSS),
    "issues": ("附件 5", f"{ACTION}检查问题隐患清单", "序号 隐患描述 现场证据 判定依据 隐患类型 备注"),
    "monthly": ("附件2", "泽州县安全风险大排查大整治工作清单", _MONTHLY),
    "hazards": ("", "隐患排查台账", _HAZARDS),
    "risks": ("", "安全风险辨识清单", "序号 班组 风险名称 所在岗位/环节 风险描述 可能引发的事故类型 风险等级"),
}

AROUND = {
    "weekly": ("填报单位：", "填报时间：", "说明：按照工作部署，周调度表每周五汇总。"),
    "major": ("填报单位：", "填报时间：", "说明：检查环节为企业自查、市县检查、交叉检查、市级督查、群众举报；"),
    "cross-check": ("填报单位：", "填报时间：", "说明：本表由受检县填报"),
    "issues": ("企业名称：", "检查时间：", "检查人员（签字）：", "企业负责人（签字）："),
    "monthly": ("填报单位：", "填报日期：", "填表联系人：", "职务：", "电话：", "备注：", "1.调度表自2月份开始上报"),
}

WEEKLY = "部署推进 企业自查自改 市县联合检查 县级交叉检查 行政处罚 宣传曝光 存在问题 意见建议"


def sheets_of(form: str) -> list[Worksheet]:
    tickets = [ticket("HD-1", moment(2026, 3, 5), steps=3)]
    return load_workbook(BytesIO(written(*filled(form, plant(), tickets, MARCH, AFTER)))).worksheets


def head_of(sheet: Worksheet) -> tuple[int, int]:
    """First and last row of the column heads."""
    last = int(sheet.print_title_rows.rpartition("$")[2])
    grouped = any(str(each).startswith(f"A{last - 1}:A{last}") for each in sheet.merged_cells.ranges)
    return last - grouped, last


@pytest.mark.parametrize("form", PRINTED)
def test_title_attachment_and_column_heads_are_the_notices_own(form: str) -> None:
    annex, title, heads = PRINTED[form]
    sheet = sheets_of(form)[0]
    assert [sheet.cell(at, 1).value for at in (1, 2)][: 1 + bool(annex)] == [each for each in (annex, title) if each]
    first, last = head_of(sheet)
    found = [sheet.cell(last, at).value or sheet.cell(first, at).value for at in range(1, sheet.max_column + 1)]
    assert found == heads.split()


@pytest.mark.parametrize("form", AROUND)
def test_the_lines_around_the_table_are_printed_in_their_order(form: str) -> None:
    sheet = sheets_of(form)[0]
    told = [str(cell.value) for row in sheet.iter_rows() for cell in row if cell.value is not None]
    places = [next(at for at, text in enumerate(told) if text.startswith(line)) for line in AROUND[form]]
    assert places == sorted(places)


def test_the_weekly_table_has_its_eight_rows_and_the_counts_stand_in_the_forms_own_sentence() -> None:
    sheet = sheets_of("weekly")[0]
    first = head_of(sheet)[1] + 1
    assert [sheet.cell(first + at, 2).value for at in range(8)] == WEEKLY.split()
    assert str(sheet.cell(first + 1, 3).value).startswith(
        "**家企业制定了自查自改工作方案，发现一般问题隐患0条，已整改0条；重大事故隐患1条，已整改0条（其中确定标杆企业**家"
    )


@pytest.mark.parametrize("form", FORMS)
def test_a_form_prints_on_landscape_a4_one_page_wide_with_its_heads_on_every_page(form: str) -> None:
    for sheet in sheets_of(form):
        setup = sheet.page_setup
        assert (setup.orientation, setup.paperSize, setup.fitToWidth, setup.fitToHeight) == ("landscape", 9, 1, 0)
        assert sheet.print_title_rows == f"$1:${head_of(sheet)[1]}"
        assert sheet.freeze_panes == f"A{head_of(sheet)[1] + 1}"


@pytest.mark.parametrize("form", FORMS)
def test_what_the_system_says_to_whoever_fills_it_in_is_not_printed(form: str) -> None:
    for sheet in sheets_of(form):
        last = int(sheet.print_area.rpartition("$")[2])
        printed = [str(cell.value) for row in sheet.iter_rows(max_row=last) for cell in row]
        assert not any("警钟监测系统根据" in text for text in printed)
        assert sheet.max_row > last


@pytest.mark.parametrize("form", FORMS)
def test_every_cell_of_the_table_has_its_box(form: str) -> None:
    for sheet in sheets_of(form):
        last = head_of(sheet)[1]
        for row in sheet.iter_rows(min_row=last, max_row=last + 5):
            assert all(cell.border.left.style == "thin" for cell in row if not isinstance(cell, MergedCell))
