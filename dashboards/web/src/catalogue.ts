// Every word of the page, Chinese first with English beside it. Words that the gateway sends are not here.
import type { AlarmStateName, CoverageStatus, Text, TicketAction, TicketView, Verdict } from "./api/types.ts";

const text = (zh: string, en: string): Text => ({ zh, en });

export const words = {
  // Views
  wall: text("总览", "Overview"),
  alarms: text("报警", "Alarms"),
  interlocks: text("联锁", "Interlocks"),
  tickets: text("隐患", "Hazards"),
  trend: text("趋势", "Trend"),
  coverage: text("条款覆盖", "Coverage"),
  duty: text("值班", "Duty"),
  equipment: text("设备", "Equipment"),
  views: text("页面", "Views"),
  skip: text("跳到报警", "Skip to alarms"),

  // Top bar
  product: text("警钟", "Tocsin"),
  grade: text("风险等级", "Risk grade"),
  unacknowledged: text("未确认", "Unacknowledged"),
  oldest: text("最久", "oldest"),
  data_age: text("数据", "Data age"),
  connection_age: text("连接", "Link age"),
  dropped: text("丢弃", "Dropped"),
  ledgers_of_the_year: text("本年台账导出", "This year's ledgers"),
  copy_age: text("异地副本", "Copy"),
  channel: text("通知", "Channel"),
  catching_up: text("补传", "catching up"),
  not_taken: text("未被接收", "not taken"),
  journal: text("日志", "Journal"),
  history: text("历史库", "History"),
  shelved_short: text("搁置", "Shelved"),
  suppressed_short: text("抑制", "Suppr."),
  out_short: text("停用", "Out"),
  clock_step: text("时钟跳变", "Clock step"),
  links_up: text("设备在线", "Devices"),
  sound: text("声音", "Sound"),
  operator: text("值班员", "Operator"),
  no_operator: text("未登记", "not signed in"),
  ok: text("正常", "OK"),
  failed_word: text("故障", "Failed"),
  lagging: text("滞后", "behind"),
  none: text("无", "None"),
  seconds_short: text("秒", "s"),

  // Duty checks
  duty_check: text("查岗：请应答", "Duty check: please answer"),
  duty_missed: text("查岗无人应答", "Duty check missed"),
  duty_waited: text("已等待", "waiting for"),
  duty_answer: text("在岗", "I am here"),

  // Sound
  sound_on: text("开", "on"),
  sound_silenced: text("已静音", "silenced"),
  sound_blocked: text("被阻止", "blocked"),
  silence: text("静音", "Silence"),
  silence_note: text("静音不等于确认；3 分钟后恢复", "Silence is not acknowledge; back in 3 min"),
  sound_banner: text("声音被浏览器阻止　点击启用", "Sound blocked, click to enable"),

  // Gateway lost
  lost: text("与网关失去连接", "GATEWAY LOST"),
  lost_note: text(
    "画面是断开前的数据，不代表现场现状。请立即用其他手段确认现场。",
    "The picture is from before the loss and says nothing of now. Check the plant by other means.",
  ),
  lost_for: text("已断开", "Lost for"),
  connecting: text("正在连接网关", "Connecting to the gateway"),
  retrying: text("正在不断重连", "Reconnecting without end"),

  // Priorities
  critical: text("紧急", "Critical"),
  high: text("高", "High"),
  medium: text("中", "Medium"),
  low: text("低", "Low"),

  // Alarms
  active_alarms: text("当前报警", "Active alarms"),
  no_alarms: text("当前没有报警", "No active alarms"),
  acknowledge: text("确认", "Acknowledge"),
  reset: text("复位", "Reset"),
  first_out: text("首出", "First-out"),
  tie: text("首出并列", "First-out, tied"),
  re_alarmed: text("再次报警", "Asked again"),
  flood: text("报警泛滥", "Alarm flood"),
  last_ten_minutes: text("近十分钟", "last 10 min"),
  show_every: text("逐条显示", "Show every one"),
  all_areas: text("全部区域", "All areas"),
  chattering: text("频繁抖动", "Chattering"),
  standing_long: text("长期未消除", "Standing over 24 h"),
  shelve: text("搁置", "Shelve"),
  unshelve: text("取消搁置", "Unshelve"),
  remove_from_service: text("停用", "Out of service"),
  return_to_service: text("恢复使用", "Return to service"),
  shelved: text("已搁置", "Shelved"),
  suppressed_by_design: text("设计抑制", "Suppressed by design"),
  suppressed: text("已抑制", "Suppressed"),
  out_of_service: text("已停用", "Out of service"),
  put_aside: text("已搁置、抑制、停用的报警", "Shelved, suppressed, out of service"),
  nothing_aside: text("没有搁置、抑制或停用的报警", "Nothing is put aside"),
  remaining: text("剩余", "Left"),
  no_limit: text("无限期，须由人恢复", "no limit: a person brings it back"),
  while_plant_state: text("随工况自动解除", "ends with the plant's state"),
  still_active: text("条件成立", "Condition holds"),
  not_active: text("条件未成立", "Condition does not hold"),
  duration: text("时长", "For"),
  at_most: text("最长", "at most"),
  one_shot: text("本次报警恢复后即取消", "End when this occurrence clears"),
  reason: text("原因", "Reason"),
  second_person: text("同意人（第二人）", "Second person who agrees"),
  second_note: text("该级别报警须两人同意", "This priority needs two people"),
  permit: text("作业票号", "Work permit"),
  aside_note: text("仍在判断并记入日志，但不再提示", "Still evaluated and journalled, no longer told"),
  by_whom: text("操作人", "By"),
  more_actions: text("搁置 / 停用", "Put aside"),
  response: text("应采取的措施", "What to do"),
  within: text("限时", "Within"),
  consequence: text("后果", "Consequence"),
  unknown: text("无法判断", "Cannot tell"),
  unknown_note: text("信号失效，报警状态保持不变", "Signal lost; the alarm stands"),
  raised: text("发生", "Raised"),
  cleared: text("恢复", "Cleared"),
  acknowledged_by: text("确认人", "Acknowledged by"),
  readings: text("发生时的值", "Readings at onset"),
  more: text("更多", "more"),
  more_alarms: text("条报警未显示", "more alarms"),
  all: text("全部", "All"),
  only_unacknowledged: text("仅未确认", "Unacknowledged only"),
  clause: text("条款", "Clause"),
  ticket: text("隐患单", "Hazard ticket"),
  overdue: text("超出限时", "Past the time limit"),

  // Shift handover
  handover: text("交接班", "Shift handover"),
  handover_note: text("双方逐项核对后签名；不完整或同一人签名不予接受", "Both read it and sign; one name, or one person twice, is refused"),
  handover_as_of: text("截至", "As of"),
  handover_changed: text("情况已变化，所读内容已过时", "Something has changed since this was read"),
  read_again: text("重新读取", "Read again"),
  hands_over: text("交班人", "Hands over"),
  takes_over: text("接班人", "Takes over"),
  same_person: text("交班人与接班人须为两人", "They must be two persons"),
  sign_both: text("双方签名交接", "Sign, both"),
  handover_done: text("已交接并记入日志", "Handed over and journalled"),
  handovers_past: text("历次交接", "Past handovers"),
  no_handovers: text("尚无交接记录", "No handover yet"),
  print: text("打印", "Print"),
  workbook: text("导出表格", "Workbook"),
  not_listed: text("条未列出", "more are not listed"),
  show_all: text("全部显示", "Show all"),

  // Duty
  figures: text("报警系统指标", "Alarm figures"),
  figures_note: text("按 ISA-18.2 与 EEMUA 191", "after ISA-18.2 and EEMUA 191"),
  per_operator: text("每人每十分钟", "Per operator and 10 min"),
  target: text("目标", "target"),
  annunciations: text("报出次数", "Annunciations"),
  floods: text("泛滥", "Floods"),
  time_in_flood: text("泛滥时间占比", "Time in flood"),
  busiest: text("最忙十分钟", "Busiest 10 min"),
  top_share: text("前十占比", "Top ten's share"),
  top_ten: text("最频繁的十个", "Top ten"),
  fleeting: text("瞬时", "Fleeting"),
  stale_alarms: text("长期（>24 h）", "Stale (>24 h)"),
  to_acknowledge: text("确认用时（中位）", "Time to acknowledge (median)"),
  longest: text("最长", "Longest"),
  standing_now: text("期末未恢复", "Standing at the end"),
  priority_mix: text("级别构成", "Priority mix"),
  incomplete: text("仍在读取日志", "Still reading the journal"),

  // Not protected
  unprotected: text("当前失去保护", "Not protected now"),
  all_protected: text("没有失去保护的项", "Nothing unprotected"),
  cannot_tell: text("报警无法判断", "Alarms that cannot tell"),
  links_down: text("断开的设备", "Devices not connected"),
  bad_points: text("失效测点", "Points not good"),
  link_connecting: text("连接中", "Connecting"),
  since: text("自", "since"),

  // Interlocks
  demands: text("联锁动作", "Interlock demands"),
  no_demands: text("没有联锁动作记录", "No interlock demands"),
  effect: text("动作", "Effect"),
  mode: text("方式", "Mode"),
  verdict: text("判定", "Verdict"),
  delay: text("实测", "Measured"),
  allowed: text("允许", "Allowed"),
  observe: text("监视（PLC 执行）", "Observed (PLC acts)"),
  command: text("网关发令", "Commanded"),
  written: text("指令已送达", "Write confirmed"),
  not_written: text("指令未送达", "Write not confirmed"),
  causes: text("原因", "Causes"),
  demanded: text("触发", "Demanded"),
  running: text("进行中", "In progress"),
  ended: text("已结束", "Ended"),
  not_yet: text("尚未到位", "not yet"),

  // Tickets
  no_tickets: text("没有隐患单", "No hazard tickets"),
  choose_ticket: text("选择一张隐患单", "Choose a ticket"),
  show_closed: text("含已销号", "Include closed"),
  major: text("重大", "Major"),
  ordinary: text("一般", "Ordinary"),
  filed: text("系统提出", "Filed by the system"),
  recurred: text("再次发生", "Recurred"),
  times: text("次", "times"),
  steps: text("办理过程", "Steps so far"),
  next_step: text("下一步", "Next step"),
  responsible: text("责任人", "Responsible"),
  due: text("整改期限", "Due"),
  past_due: text("已超期", "Overdue"),
  previous: text("前一张隐患单", "Previous ticket"),
  evidence: text("证据曲线（前后 10 分钟）", "Evidence (10 min either side)"),
  evidence_archive: text("下载证据包", "Evidence archive"),
  onset: text("起始", "Onset"),
  events: text("期间事件", "Events meanwhile"),
  system: text("系统", "System"),
  closed_end: text("流程已结束", "Nothing further to do"),
  no_evidence: text("没有证据曲线", "No evidence curves"),

  // Trend
  search_point: text("查找测点", "Find a point"),
  follow: text("实时跟踪", "Follow live"),
  range: text("时间范围", "Range"),
  ten_minutes: text("10 分钟", "10 min"),
  one_hour: text("1 小时", "1 h"),
  eight_hours: text("8 小时", "8 h"),
  thirty_days: text("30 天", "30 d"),
  one_day: text("24 小时", "24 h"),
  limits: text("限值", "Limits"),
  mean: text("均值", "Mean"),
  lowest: text("最小", "Min"),
  highest: text("最大", "Max"),
  time: text("时间", "Time"),
  bad_period: text("数据失效", "Not good"),
  uncertain_period: text("数据存疑", "Uncertain"),
  no_data: text("该时段没有数据", "No data in this period"),
  chart_unavailable: text("曲线程序无法加载，请刷新页面", "The chart cannot be loaded; reload the page"),
  no_match: text("没有匹配的测点", "No point matches"),
  loading: text("读取中", "Loading"),
  source: text("来源", "Source"),
  measuring_range: text("量程", "Range"),
  earlier: text("向前", "Earlier"),
  later: text("向后", "Later"),
  choose_point: text("选择一个测点", "Choose a point"),

  // Coverage
  requirement: text("要求", "Requirement"),
  status: text("状态", "Status"),
  points: text("测点", "Points"),
  rules: text("规则", "Rules"),
  missing_points: text("缺少测点", "Missing points"),
  missing_rules: text("缺少规则", "Missing rules"),
  overridden: text("已改", "Override"),
  limit_default: text("默认", "Default"),
  only_problems: text("仅未覆盖", "Problems only"),
  no_coverage: text("没有适用的条款", "No clause applies"),

  // Quality
  good: text("良好", "Good"),
  uncertain: text("存疑", "Uncertain"),
  stale: text("过期", "Stale"),
  bad: text("失效", "Bad"),

  // Forms and failures
  cancel: text("取消", "Cancel"),
  confirm: text("提交", "Submit"),
  comment: text("说明", "Comment"),
  your_name: text("值班员姓名", "Operator's name"),
  name_note: text("姓名随每次操作记入日志", "Your name is journalled with every action"),
  save: text("保存", "Save"),
  required: text("必填", "Required"),
  refused: text("网关未接受", "The gateway refused"),
  conflict: text("状态已变化，请核对后重试", "The state has changed: look again, then retry"),
  unreachable: text("无法连接网关", "The gateway cannot be reached"),
  invalid: text("填写有误", "Something in the form is wrong"),
  missing_thing: text("对象不存在", "It does not exist"),
  expected: text("应为", "expected"),
  got: text("实为", "got"),
  retry: text("重试", "Retry"),
  back: text("返回", "Back"),
  gateway_value_failed: text("当前不可信", "not to be trusted now"),
} as const satisfies Record<string, Text>;

export type Word = keyof typeof words;

export const alarmStates: Readonly<Record<AlarmStateName, Text>> = {
  normal: text("未报警", "Not in alarm"),
  unacknowledged: text("未确认", "Unacknowledged"),
  acknowledged: text("已确认", "Acknowledged"),
  returned_unacknowledged: text("已恢复 未确认", "Returned, unacknowledged"),
  latched_unacknowledged: text("已恢复 自保持 未确认", "Returned, latched, unacknowledged"),
  latched_acknowledged: text("已恢复 自保持 待复位", "Returned, latched: reset"),
};

export const verdicts: Readonly<Record<Verdict, Text>> = {
  pending: text("等待反馈", "PENDING"),
  pass: text("合格", "PASS"),
  late: text("迟到", "LATE"),
  fail: text("失败", "FAIL"),
  inconclusive: text("无法判定", "INCONCLUSIVE"),
};

export const ticketStates: Readonly<Record<TicketView["state"], Text>> = {
  suspected: text("疑似", "Suspected"),
  registered: text("已登记", "Registered"),
  rectifying: text("整改中", "Rectifying"),
  awaiting_recheck: text("待复查", "Awaiting recheck"),
  rechecked: text("复查通过", "Rechecked"),
  written_off: text("已销号", "Written off"),
  dismissed: text("已排除", "Dismissed"),
};

export const ticketActions: Readonly<Record<TicketAction, Text>> = {
  register: text("登记", "Register"),
  dismiss: text("排除", "Dismiss"),
  assign: text("指派整改", "Assign"),
  rectify: text("整改完成", "Rectified"),
  pass_recheck: text("复查通过", "Recheck passed"),
  reject_recheck: text("复查不通过", "Recheck rejected"),
  write_off: text("销号", "Write off"),
};

export const coverageStates: Readonly<Record<CoverageStatus, Text>> = {
  covered: text("已覆盖", "Covered"),
  failed: text("失效", "Failed"),
  missing: text("缺失", "Missing"),
  ledger: text("台账", "Ledger"),
};

/** How sure the criteria are of their default. */
export const certainties: Readonly<Record<string, Text>> = {
  standard: text("标准", "Standard"),
  typical: text("行业惯用", "Typical"),
  engineering: text("工程估计", "Engineering"),
};

/** By the number that travels on the wire. */
export const qualities: readonly Text[] = [words.good, words.uncertain, words.stale, words.bad];

export const reasons: readonly Text[] = [
  text("", ""),
  text("从未收到", "Never seen"),
  text("数据过期", "Too old"),
  text("无应答", "No answer"),
  text("连接断开", "Disconnected"),
  text("设备报错", "Device error"),
  text("无法解码", "Malformed"),
  text("非数值", "Not a number"),
  text("超量程", "Out of range"),
  text("传感器故障", "Sensor fault"),
  text("预热中", "Warming up"),
  text("时标错误", "Source clock"),
  text("来源存疑", "Source in doubt"),
  text("保留旧值", "Retained"),
  text("设备不符", "Wrong device"),
];

/** The word for why a value is not good. */
export function qualityWords(quality: number, reason: number): Text {
  return (reason > 0 ? reasons[reason] : undefined) ?? qualities[quality] ?? words.bad;
}

/** Forms that the notices prescribe, by the id that the API knows them by. */
export const ledgerForms = {
  hazards: text("隐患排查台账", "Hazards"),
  major: text("重大事故隐患台账", "Major hazards"),
  weekly: text("周调度表", "Weekly"),
  "cross-check": text("交叉检查汇总", "Cross-checks"),
  issues: text("问题隐患清单", "Issues"),
  monthly: text("月度清单", "Monthly"),
  risks: text("风险辨识清单", "Risks"),
  "risk-control": text("分级管控台账", "Risk control"),
  profile: text("一企一档", "Profile"),
  equipment: text("设备台账", "Equipment"),
};
