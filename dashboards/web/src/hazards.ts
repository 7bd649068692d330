// Words of hazard tickets, and what each step of one asks for. The gateway decides; this only asks well.
import type { DismissalCause, HazardSource, Level, Text, TicketAction, TicketRequest, TicketView } from "./api/types.ts";

const text = (zh: string, en: string): Text => ({ zh, en });

export const sources: Readonly<Record<HazardSource, Text>> = {
  sensor: text("监测系统", "Monitoring"),
  ledger: text("台账导入", "From a ledger"),
  daily_check: text("日常排查", "Daily check"),
  weekly_check: text("周查", "Weekly check"),
  monthly_check: text("月查", "Monthly check"),
  special_check: text("专项排查", "Special check"),
  comprehensive_check: text("综合排查", "Comprehensive check"),
  internal_report: text("员工内部报告", "Employee's report"),
  county_inspection: text("市县检查", "County inspection"),
  cross_inspection: text("交叉检查", "Cross inspection"),
  city_inspection: text("市级督查", "City inspection"),
  public_report: text("群众举报", "Public report"),
};

export const REPORTS: readonly HazardSource[] = ["internal_report", "public_report"];
export const INSPECTIONS: readonly HazardSource[] = ["county_inspection", "cross_inspection", "city_inspection"];

export const causes: Readonly<Record<DismissalCause, Text>> = {
  instrument_fault: text("仪表故障", "Instrument fault"),
  calibration: text("校准标定", "Calibration"),
  maintenance: text("检维修", "Maintenance"),
  communication: text("通讯故障", "Communication"),
  process_swing: text("工艺波动", "Process swing"),
  unfit_rule: text("规则或定值不合适", "Rule or limit unfit"),
  not_a_hazard: text("经核实不构成隐患", "Found to be no hazard"),
  duplicate: text("重复登记", "Duplicate"),
};

export const levels: Readonly<Record<Level, Text>> = {
  duty_operator: text("值班员", "duty operator"),
  shift_leader: text("班组长", "shift leader"),
  safety_manager: text("安全负责人", "safety manager"),
  county: text("县级监管", "county"),
};

type FieldName = Exclude<keyof TicketRequest, "action" | "by" | "comment">;

export interface Field {
  name: FieldName;
  text: Text;
  kind: "line" | "lines" | "day" | "grade" | "cause";
  required: boolean;
}

const field = (name: FieldName, kind: Field["kind"], zh: string, en: string, required = true): Field => ({
  name,
  text: text(zh, en),
  kind,
  required,
});

const APPROVER = field("approver", "line", "批准人（第二人）", "Approved by (a second person)");
const INTERIM = field("interim", "lines", "整改期间防范措施", "Interim measures");

/** What a step asks for beside a name and a comment, in the order of the form. */
export function fieldsOf(action: TicketAction, ticket: TicketView): Field[] {
  const major = ticket.grade === "major";
  switch (action) {
    case "register":
    case "assess":
      return [field("grade", "grade", "等级", "Grade")];
    case "dismiss": {
      const second = ticket.state !== "suspected" || ticket.production !== null;
      return [field("cause", "cause", "误报原因", "Cause of the false alarm"), ...(second ? [APPROVER] : [])];
    }
    case "assign":
      return [
        field("responsible", "line", "责任人", "Responsible", ticket.due === null),
        field("department", "line", "责任部门", "Department", false),
        field("due", "day", "整改时限", "Due", ticket.due === null),
        field("funds", "line", "整改资金", "Funds", major),
        field("measures", "lines", "整改措施", "Measures", major),
        field("emergency_plan", "lines", "应急预案", "Emergency plan", major),
        { ...INTERIM, required: false },
        { ...APPROVER, required: false },
      ];
    case "extend":
      return [field("due", "day", "延期至", "Until"), APPROVER, INTERIM];
    case "supervise":
      return [
        field("authority", "line", "挂牌督办单位", "Authority"),
        field("document", "line", "文号", "Notice number", false),
      ];
    case "end_supervision":
      return [field("document", "line", "摘牌文号", "Notice number", false)];
    case "stop_production":
      return [field("scope", "line", "停产范围", "What stands still")];
    case "resume_production":
      return [APPROVER];
    default:
      return [];
  }
}

const COMMENTS: Readonly<Partial<Record<TicketAction, Text>>> = {
  dismiss: text("核实情况", "What was found"),
  assess: text("评估结论", "What the assessment found"),
  extend: text("延期原因", "Reason"),
  rectify: text("已采取的整改措施", "Measures taken"),
  reject_recheck: text("不通过原因", "Reason"),
  end_supervision: text("摘牌依据", "On what ground"),
  stop_production: text("停产原因", "Reason"),
  resume_production: text("复产依据", "On what ground"),
};

/** What the comment of a step has to say; null where it may stay empty. */
export const commentOf = (action: TicketAction): Text | null => COMMENTS[action] ?? null;

export const stages: readonly { text: Text; states: readonly TicketView["state"][] }[] = [
  { text: text("排查", "Found"), states: ["suspected"] },
  { text: text("登记", "Registered"), states: ["registered"] },
  { text: text("评估", "Assessed"), states: ["assessed"] },
  { text: text("整改", "Rectifying"), states: ["rectifying"] },
  { text: text("复查", "Recheck"), states: ["awaiting_recheck", "rechecked"] },
  { text: text("销号", "Written off"), states: ["written_off"] },
];

export const hazardWords = {
  report: text("登记隐患", "Report a hazard"),
  source: text("排查方式", "Source"),
  anonymous: text("匿名报告（不保存姓名）", "Anonymous (no name is kept)"),
  found_by: text("排查人", "Found by"),
  unit: text("检查单位", "Inspected by"),
  area: text("所在区域", "Area"),
  equipment: text("设备", "Equipment"),
  whole_area: text("不限设备", "No equipment in particular"),
  title: text("隐患名称", "Name"),
  description: text("隐患描述", "Description"),
  grade: text("隐患等级", "Grade"),
  clause: text("判定依据（条款）", "Clause of the criteria"),
  no_clause: text("不适用", "None"),
  found_at: text("排查时间", "Found at"),
  state: text("状态", "State"),
  any: text("全部", "Any"),
  only_overdue: text("仅逾期", "Overdue only"),
  department: text("责任部门", "Department"),
  measures: text("整改措施", "Measures"),
  funds: text("整改资金", "Funds"),
  emergency_plan: text("应急预案", "Emergency plan"),
  interim: text("防范措施", "Interim measures"),
  deadline: text("最迟期限", "Latest by"),
  told: text("逾期已上报", "Told of the delay"),
  supervised: text("挂牌督办", "Supervised"),
  stopped: text("停产中", "Production stopped"),
  extended: text("已延期", "Extended"),
  approved: text("批准", "approved by"),
  files: text("附件（照片、视频、文件）", "Files (photographs, videos, documents)"),
  no_files: text("没有附件", "No files"),
  add_file: text("添加附件", "Add a file"),
  file_note: text("说明（可不填）", "What it shows (optional)"),
  sending: text("上传中…", "Uploading…"),
  too_large: text("文件超过 256 MB", "The file is larger than 256 MB"),
  beyond: text("超过此日期需防范措施和批准人：", "Later than this needs interim measures and approval: "),
  reported: text("登记上报", "Reported"),
  attached: text("添加附件", "File added"),
  escalated: text("逾期上报", "Told upward"),
  anonymous_person: text("匿名", "Anonymous"),
  major_note: text(
    "重大事故隐患须立即报安全管理部门和主要负责人",
    "A major hazard is reported at once to the safety department and the principal",
  ),
} as const satisfies Record<string, Text>;
