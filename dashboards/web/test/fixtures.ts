// The smallest wire messages that a test needs; everything can be overridden.
import type { AlarmView, ChangesMessage, Entry, PointView, Snapshot, TicketView } from "../src/api/types.ts";

const text = (zh: string) => ({ zh, en: zh });

export function point(index: number, over: Partial<PointView> = {}): PointView {
  return {
    index, id: `e1.p${index}`, name: text(`p${index}`), equipment: "e1", kind: `p${index}`, unit: "MPa", low: 0, high: 1,
    period: 100_000, stale_after: 1_000_000, states: [], limits: [], device: "d", source: "", ...over,
  };
}

export function alarm(id: string, over: Partial<AlarmView> = {}): AlarmView {
  return {
    id, occurrence: `${id}-1`, state: "unacknowledged", unknown: false, rule: "r", equipment: "e1", area: "a", clauses: [],
    title: text(id), consequence: text(""), response: text(""), response_time: 0, priority: "high", colour: "orange",
    onset: 0, raised_at: 0, acknowledged_at: null, acknowledged_by: null, cleared_at: null, first_out: false, ticket: null,
    points: [], readings: [], actions: [], ...over,
  };
}

export function ticket(id: string, over: Partial<TicketView> = {}): TicketView {
  return {
    id, state: "suspected", grade: "ordinary", rule: "r", equipment: "e1", area: "a", clauses: [], title: text(id), onset: 0,
    filed_at: 0, occurrences: [], recurrences: 0, responsible: "", due: null, evidence_points: [], previous: null, steps: [],
    actions: [], ...over,
  };
}

export function snapshot(over: Partial<Snapshot> = {}): Snapshot {
  return {
    type: "snapshot", sequence: 10, now: 0,
    plant: {
      version: "", site: "s", name: text("s"), credit_code: "", industry: "", risk_grade: "A",
      areas: [{ id: "a", name: text("a"), staffed: true }],
      equipment: [{ id: "e1", equipment_class: "c", class_name: text("c"), area: "a", parent: null, name: text("e1") }],
      points: [point(0), point(1)],
    },
    samples: { point: [0], value: [0.5], quality: [0], reason: [0], source_time: [1] },
    alarms: [], tickets: [], demands: [], links: [],
    health: {
      started_at: 0, samples_per_second: 0, dropped_samples: 0, journal_failure: null, history_failure: null, history_lag: 0,
      links_up: 0, links: 0, points_not_good: 0, unacknowledged: 0, oldest_unacknowledged: null, clock_step: 0,
    },
    ...over,
  };
}

export function changes(sequence: number, over: Partial<ChangesMessage> = {}): ChangesMessage {
  const entry: Entry = { sequence, event: { kind: "gateway.stopped", id: "x", at: 0 } };
  return { type: "changes", now: 0, sequence, events: [entry], alarms: [], tickets: [], demands: [], links: [], ...over };
}
