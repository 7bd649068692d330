// Requests and answers over HTTP; every failure is an ApiError whose view can be shown in words.
import type {
  AlarmView,
  AnalysisView,
  BypassRequest,
  CoverageRow,
  DutyCheck,
  ErrorView,
  Evidence,
  ExportRequest,
  ExportView,
  FiguresView,
  FormView,
  HandoverPack,
  HandoverRequest,
  HandoverSigned,
  HandoverView,
  ImportView,
  MatrixRow,
  ProofTestRequest,
  OperateRequest,
  OutputView,
  RemovalRequest,
  ReportRequest,
  Selected,
  SelectRequest,
  ShelveRequest,
  SirenView,
  TicketRequest,
  TicketView,
  Trend,
  TrialView,
} from "./types.ts";

const LIMIT = 10_000;
/** A video over a plant's network; a ledger of some thousand lines. */
const UPLOAD_LIMIT = 600_000;
const WORKBOOK = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet";

export class ApiError extends Error {
  readonly status: number;
  readonly view: ErrorView;

  constructor(status: number, view: ErrorView) {
    super(view.message);
    this.status = status;
    this.view = view;
  }
}

export interface Person {
  by: string;
  comment: string;
}

function isErrorView(body: unknown): body is ErrorView {
  return typeof body === "object" && body !== null && "message" in body;
}

function request<T>(path: string, body?: unknown, method = "POST"): Promise<T> {
  const init: RequestInit = { signal: AbortSignal.timeout(LIMIT), cache: "no-store" };
  if (body !== undefined) {
    init.method = method;
    init.headers = { "content-type": "application/json" };
    init.body = JSON.stringify(body);
  }
  return answered<T>(path, init);
}

async function answered<T>(path: string, init: RequestInit): Promise<T> {
  let response: Response;
  try {
    response = await fetch(path, init);
  } catch (failure) {
    throw new ApiError(0, { error: "unreachable", message: String(failure), problems: [] });
  }
  const answer: unknown = await response.json().catch(() => null);
  if (response.ok) return answer as T;
  if (isErrorView(answer)) {
    throw new ApiError(response.status, { ...answer, problems: answer.problems ?? [] });
  }
  throw new ApiError(response.status, { error: "http", message: `HTTP ${response.status}`, problems: [] });
}

const part = encodeURIComponent;

export const api = {
  acknowledge: (alarm: string, person: Person) =>
    request<AlarmView>(`/api/alarms/${part(alarm)}/acknowledge`, person),
  reset: (alarm: string, person: Person) => request<AlarmView>(`/api/alarms/${part(alarm)}/reset`, person),
  shelve: (alarm: string, wish: ShelveRequest) => request<AlarmView>(`/api/alarms/${part(alarm)}/shelve`, wish),
  unshelve: (alarm: string, person: Person) => request<AlarmView>(`/api/alarms/${part(alarm)}/unshelve`, person),
  removeFromService: (alarm: string, wish: RemovalRequest) =>
    request<AlarmView>(`/api/alarms/${part(alarm)}/remove_from_service`, wish),
  returnToService: (alarm: string, person: Person) =>
    request<AlarmView>(`/api/alarms/${part(alarm)}/return_to_service`, person),
  figures: (start: number, end: number) =>
    request<FiguresView>(`/api/figures?start=${Math.round(start)}&end=${Math.round(end)}`),
  answerDutyCheck: (check: string, person: Person) =>
    request<DutyCheck>(`/api/duty/checks/${part(check)}/answer`, person),
  silenceSirens: (person: Person) => request<SirenView[]>("/api/sirens/silence", person),
  handover: () => request<HandoverPack>("/api/handover"),
  signHandover: (wish: HandoverRequest) => request<HandoverSigned>("/api/handover", wish),
  handovers: () => request<HandoverView[]>("/api/handovers"),
  tickets: (standing: boolean) => request<TicketView[]>(`/api/tickets?standing=${standing}`),
  moveTicket: (ticket: string, step: TicketRequest) =>
    request<TicketView>(`/api/tickets/${part(ticket)}/actions`, step),
  reportHazard: (report: ReportRequest) => request<TicketView>("/api/tickets", report),
  attach: (ticket: string, file: File, by: string, comment: string) =>
    answered<TicketView>(
      `/api/tickets/${part(ticket)}/attachments?name=${part(file.name)}&by=${part(by)}&comment=${part(comment)}`,
      {
        method: "POST",
        headers: { "content-type": "application/octet-stream" },
        body: file,
        signal: AbortSignal.timeout(UPLOAD_LIMIT),
        cache: "no-store",
      },
    ),
  evidence: (ticket: string) => request<Evidence>(`/api/tickets/${part(ticket)}/evidence`),
  trend: (point: string, start: number, end: number, buckets: number) =>
    request<Trend>(
      `/api/points/${part(point)}/trend?start=${Math.round(start)}&end=${Math.round(end)}&buckets=${buckets}`,
    ),
  interlocks: () => request<MatrixRow[]>("/api/interlocks"),
  bypass: (interlock: string, wish: BypassRequest) =>
    request<MatrixRow>(`/api/interlocks/${part(interlock)}/bypass`, wish),
  removeBypass: (interlock: string, person: Person) =>
    request<MatrixRow>(`/api/interlocks/${part(interlock)}/remove_bypass`, person),
  declareTest: (interlock: string, wish: ProofTestRequest) =>
    request<MatrixRow>(`/api/interlocks/${part(interlock)}/declare_test`, wish),
  endTest: (interlock: string, person: Person) =>
    request<MatrixRow>(`/api/interlocks/${part(interlock)}/end_test`, person),
  trials: () => request<TrialView[]>("/api/trials"),
  exports: () => request<ExportView[]>("/api/exports"),
  beginExport: (wish: ExportRequest) => request<ExportView>("/api/exports", wish),
  cancelExport: (id: string) => request<ExportView>(`/api/exports/${part(id)}`, {}, "DELETE"),
  ledgers: () => request<FormView[]>("/api/ledgers"),
  analysis: (start: number, end: number) =>
    request<AnalysisView>(`/api/ledgers/analysis?start=${Math.round(start)}&end=${Math.round(end)}`),
  importLedger: (file: File, person: Person, check: boolean) => {
    const query = new URLSearchParams({ ...person, file: file.name.slice(0, 200), check: String(check) });
    return answered<ImportView>(`/api/ledgers/hazards/import?${query.toString()}`, {
      method: "POST",
      headers: { "content-type": WORKBOOK },
      body: file,
      signal: AbortSignal.timeout(UPLOAD_LIMIT),
      cache: "no-store",
    });
  },
  outputs: () => request<OutputView[]>("/api/outputs"),
  selectOutput: (output: string, wish: SelectRequest) =>
    request<Selected>(`/api/outputs/${part(output)}/select`, wish),
  operateOutput: (output: string, wish: OperateRequest) =>
    request<OutputView>(`/api/outputs/${part(output)}/operate`, wish),
  cancelSelection: (output: string, person: Person) =>
    request<OutputView>(`/api/outputs/${part(output)}/cancel`, person),
  coverage: () => request<CoverageRow[]>("/api/coverage"),
};
