// What the gateway has said, and nothing else: a snapshot, then changes applied to it.
// Pure: no clock, no browser, no framework. A value that is not good is NaN here and can never be read as a number.
import type {
  AlarmView,
  ChangesMessage,
  DemandView,
  EquipmentView,
  LinkView,
  PlantView,
  PointView,
  SampleColumns,
  Snapshot,
  TicketView,
} from "../api/types.ts";

export const GOOD = 0;
export const UNCERTAIN = 1;
export const STALE = 2;
export const BAD = 3;
export const NEVER_SEEN = 1;

/** Ended demands and closed tickets beyond these leave the page's memory, oldest first. */
export const KEPT_DEMANDS = 200;
export const KEPT_CLOSED_TICKETS = 200;

export class Columns {
  readonly value: Float64Array;
  readonly quality: Uint8Array;
  readonly reason: Uint8Array;
  readonly sourceTime: Float64Array;

  constructor(count: number) {
    this.value = new Float64Array(count).fill(NaN);
    this.quality = new Uint8Array(count).fill(BAD);
    this.reason = new Uint8Array(count).fill(NEVER_SEEN);
    this.sourceTime = new Float64Array(count);
  }

  /** Take over the rows; returns whether any of them was good. Unknown indices are ignored. */
  apply(rows: SampleColumns, touched?: (point: number) => void): boolean {
    let anyGood = false;
    for (let row = 0; row < rows.point.length; row++) {
      const point = rows.point[row] ?? -1;
      if (point < 0 || point >= this.value.length) continue;
      const quality = rows.quality[row] ?? BAD;
      const good = quality === GOOD;
      this.quality[point] = quality;
      this.reason[point] = rows.reason[row] ?? 0;
      this.sourceTime[point] = rows.source_time[row] ?? 0;
      this.value[point] = good ? (rows.value[row] ?? NaN) : NaN;
      anyGood ||= good;
      touched?.(point);
    }
    return anyGood;
  }
}

export interface Applied {
  /** Alarms that sound now and did not before: new occurrences. */
  raised: AlarmView[];
  /** The stream skipped journal entries: a new snapshot is needed. */
  gap: boolean;
}

export function isClosed(ticket: TicketView): boolean {
  return ticket.state === "written_off" || ticket.state === "dismissed";
}

/** Put aside by a person, by the plant's state or under a permit: in sight, but asking for nobody. */
export function isSuppressed(alarm: AlarmView): boolean {
  return alarm.shelf != null || alarm.suppressed_since != null || alarm.removal != null;
}

export function isUnacknowledged(alarm: AlarmView): boolean {
  return alarm.state.endsWith("unacknowledged") && !isSuppressed(alarm);
}

/** In the alarm list, as against only being unable to tell or put aside. */
export function isStanding(alarm: AlarmView): boolean {
  return alarm.state !== "normal" && !isSuppressed(alarm);
}

export class Store {
  plant: PlantView;
  sequence: number;
  readonly columns: Columns;
  readonly alarms = new Map<string, AlarmView>();
  readonly tickets = new Map<string, TicketView>();
  readonly demands = new Map<string, DemandView>();
  readonly links = new Map<string, LinkView>();
  readonly pointById = new Map<string, PointView>();
  readonly equipmentById = new Map<string, EquipmentView>();
  readonly pointsOf = new Map<string, PointView[]>();

  constructor(snapshot: Snapshot) {
    this.plant = snapshot.plant;
    this.sequence = snapshot.sequence;
    this.columns = new Columns(snapshot.plant.points.length);
    this.columns.apply(snapshot.samples);
    for (const alarm of snapshot.alarms) this.alarms.set(alarm.id, alarm);
    for (const ticket of snapshot.tickets) this.tickets.set(ticket.id, ticket);
    for (const demand of snapshot.demands) this.demands.set(demand.id, demand);
    for (const link of snapshot.links) this.links.set(link.device, link);
    for (const equipment of snapshot.plant.equipment) {
      this.equipmentById.set(equipment.id, equipment);
      this.pointsOf.set(equipment.id, []);
    }
    for (const point of snapshot.plant.points) {
      this.pointById.set(point.id, point);
      this.pointsOf.get(point.equipment)?.push(point);
    }
  }

  /** Replace whole views by id. What this page has already applied is left alone. */
  applyChanges(changes: ChangesMessage): Applied {
    const result: Applied = { raised: [], gap: false };
    if (changes.sequence <= this.sequence && changes.events.length > 0) return result;
    const first = changes.events[0];
    result.gap = first !== undefined && first.sequence > this.sequence + 1;
    this.sequence = Math.max(this.sequence, changes.sequence);
    for (const alarm of changes.alarms) this.applyAlarm(alarm, result);
    for (const ticket of changes.tickets) this.applyTicket(ticket);
    for (const demand of changes.demands) this.applyDemand(demand);
    for (const link of changes.links) this.links.set(link.device, link);
    return result;
  }

  private applyAlarm(alarm: AlarmView, result: Applied): void {
    const before = this.alarms.get(alarm.id);
    if (alarm.state === "normal" && !alarm.unknown && !isSuppressed(alarm)) {
      this.alarms.delete(alarm.id);
      return;
    }
    this.alarms.set(alarm.id, alarm);
    const sounded = before && isUnacknowledged(before) && before.occurrence === alarm.occurrence;
    if (isUnacknowledged(alarm) && !sounded) result.raised.push(alarm);
  }

  private applyTicket(ticket: TicketView): void {
    this.tickets.set(ticket.id, ticket);
    const closed = [...this.tickets.values()].filter(isClosed);
    closed.sort((one, other) => one.filed_at - other.filed_at);
    for (const old of closed.slice(0, Math.max(0, closed.length - KEPT_CLOSED_TICKETS))) this.tickets.delete(old.id);
  }

  private applyDemand(demand: DemandView): void {
    this.demands.set(demand.id, demand);
    if (this.demands.size <= KEPT_DEMANDS) return;
    const ended = [...this.demands.values()].filter((each) => each.ended_at !== null);
    ended.sort((one, other) => one.demanded_at - other.demanded_at);
    for (const old of ended.slice(0, this.demands.size - KEPT_DEMANDS)) this.demands.delete(old.id);
  }
}
