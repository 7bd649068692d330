// Names for the wire shapes that the page uses; `schema.ts` is generated and never edited.
import type { components } from "./schema.ts";

type Schemas = components["schemas"];

export type Text = Schemas["Text"];
export type AlarmView = Schemas["AlarmView"];
export type AlarmStateName = Schemas["AlarmStateName"];
export type Projected = Schemas["Projected"];
export type ShelveRequest = Schemas["ShelveRequest"];
export type RemovalRequest = Schemas["RemovalRequest"];
export type FiguresView = Schemas["FiguresView"];
export type Priority = Schemas["Priority"];
export type DemandView = Schemas["DemandView"];
export type EffectView = Schemas["EffectView"];
export type Verdict = Schemas["Verdict"];
export type MatrixRow = Schemas["MatrixRow"];
export type MatrixCell = Schemas["MatrixCell"];
export type Bypass = Schemas["Bypass"];
export type BypassRequest = Schemas["BypassRequest"];
export type ProofTest = Schemas["ProofTest"];
export type ProofTestRequest = Schemas["ProofTestRequest"];
export type TicketView = Schemas["TicketView"];
export type TicketAction = Schemas["TicketAction"];
/** A step says only what it needs: the rest has defaults. */
export type TicketRequest = Pick<Schemas["TicketRequest"], "action" | "by"> & Partial<Schemas["TicketRequest"]>;
export type ReportRequest = Pick<Schemas["ReportRequest"], "source" | "grade"> & Partial<Schemas["ReportRequest"]>;
export type HazardSource = Schemas["HazardSource"];
export type DismissalCause = Schemas["DismissalCause"];
export type Level = Schemas["Level"];
export type DutyCheck = Schemas["DutyCheck"];
export type SirenView = Schemas["SirenView"];
export type HandoverPack = Schemas["HandoverPack"];
export type HandoverLine = Schemas["HandoverLine"];
export type HandoverRequest = Schemas["HandoverRequest"];
export type HandoverSigned = Schemas["HandoverSigned"];
export type HandoverView = Schemas["HandoverView"];
export type OutputView = Schemas["OutputView"];
export type CommandView = Schemas["CommandView"];
export type CommandStage = Schemas["CommandStage"];
export type Selected = Schemas["Selected"];
export type SelectRequest = Pick<Schemas["SelectRequest"], "by" | "value"> & { comment: string };
export type OperateRequest = Schemas["OperateRequest"];
export type LinkView = Schemas["LinkView"];
export type LimitLine = Schemas["LimitLine"];
export type PointView = Schemas["PointView"];
export type AreaView = Schemas["AreaView"];
export type EquipmentView = Schemas["EquipmentView"];
export type PlantView = Schemas["PlantView"];
export type TrialView = Schemas["TrialView"];
export type CoverageRow = Schemas["CoverageRow"];
export type CoverageStatus = Schemas["CoverageStatus"];
export type HealthView = Schemas["HealthView"];
export type CopyView = Schemas["CopyView"];
export type SampleColumns = Schemas["SampleColumns"];
export type Snapshot = Schemas["Snapshot"];
export type ChangesMessage = Schemas["ChangesMessage"];
export type Trend = Schemas["Trend"];
export type Evidence = Schemas["Evidence"];
export type ExportRequest = Schemas["ExportRequest"];
export type ExportView = Schemas["ExportView"];
export type ExportState = Schemas["ExportState"];
export type Entry = Schemas["Entry"];
export type FormView = Schemas["FormView"];
export type AnalysisView = Schemas["AnalysisView"];
export type TallyView = Schemas["TallyView"];
export type Dimension = Schemas["Dimension"];
export type ImportView = Schemas["ImportView"];
export type ErrorView = Schemas["ErrorView"];
export type ProblemView = Schemas["ProblemView"];
export type LiveMessage =
  | Snapshot
  | Schemas["SamplesMessage"]
  | ChangesMessage
  | Schemas["HeartbeatMessage"];
