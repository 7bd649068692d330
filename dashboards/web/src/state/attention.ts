// What deserves the eye: orders, counts and the list of what is not protected now. Pure.
import type { AlarmView, DemandView, LinkView, PointView, Priority } from "../api/types.ts";
import { GOOD, isStanding, isSuppressed, isUnacknowledged, type Store } from "./store.ts";

export const PRIORITIES: readonly Priority[] = ["critical", "high", "medium", "low"];

const RANK: Readonly<Record<Priority, number>> = { critical: 0, high: 1, medium: 2, low: 3 };

/** Worst first; the unacknowledged before the acknowledged; then the newest. */
export function byUrgency(one: AlarmView, other: AlarmView): number {
  return (
    RANK[one.priority] - RANK[other.priority] ||
    Number(isUnacknowledged(other)) - Number(isUnacknowledged(one)) ||
    Number(other.first_out) - Number(one.first_out) ||
    other.raised_at - one.raised_at ||
    one.id.localeCompare(other.id)
  );
}

export function standingAlarms(store: Store): AlarmView[] {
  return [...store.alarms.values()].filter(isStanding).sort(byUrgency);
}

/** What is put aside, the worst first. */
export function suppressedAlarms(store: Store): AlarmView[] {
  return [...store.alarms.values()].filter(isSuppressed).sort(byUrgency);
}

export interface AreaCount {
  area: string;
  total: number;
  unacknowledged: number;
  worst: Priority;
}

export interface Collapsed {
  shown: AlarmView[];
  areas: AreaCount[];
}

/** In a flood: what is never collapsed and the first-outs one by one, everything else as counts. Nothing is left out. */
export function collapse(alarms: readonly AlarmView[], never: readonly string[]): Collapsed {
  const shown: AlarmView[] = [];
  const areas = new Map<string, AreaCount>();
  for (const alarm of alarms) {
    if (never.includes(alarm.priority) || alarm.first_out) {
      shown.push(alarm);
      continue;
    }
    const count = areas.get(alarm.area) ?? { area: alarm.area, total: 0, unacknowledged: 0, worst: alarm.priority };
    count.total += 1;
    count.unacknowledged += Number(isUnacknowledged(alarm));
    if (RANK[alarm.priority] < RANK[count.worst]) count.worst = alarm.priority;
    areas.set(alarm.area, count);
  }
  const sorted = [...areas.values()].sort((one, other) => RANK[one.worst] - RANK[other.worst] || other.total - one.total);
  return { shown, areas: sorted };
}

export type Counts = Readonly<Record<Priority, { standing: number; unacknowledged: number }>>;

export function countByPriority(alarms: readonly AlarmView[]): Counts {
  const zero = () => ({ standing: 0, unacknowledged: 0 });
  const counts = { critical: zero(), high: zero(), medium: zero(), low: zero() };
  for (const alarm of alarms) {
    counts[alarm.priority].standing += 1;
    counts[alarm.priority].unacknowledged += Number(isUnacknowledged(alarm));
  }
  return counts;
}

export interface EquipmentAlarm {
  worst: AlarmView;
  unacknowledged: boolean;
  count: number;
}

/** The most urgent standing alarm of each equipment; flashing is for any that is unacknowledged. */
export function alarmByEquipment(alarms: readonly AlarmView[]): Map<string, EquipmentAlarm> {
  const found = new Map<string, EquipmentAlarm>();
  for (const alarm of [...alarms].sort(byUrgency)) {
    const before = found.get(alarm.equipment);
    if (before) {
      before.count += 1;
      before.unacknowledged ||= isUnacknowledged(alarm);
    } else {
      found.set(alarm.equipment, { worst: alarm, unacknowledged: isUnacknowledged(alarm), count: 1 });
    }
  }
  return found;
}

export interface PointGroup {
  equipment: string;
  points: PointView[];
}

export interface Unprotected {
  alarms: AlarmView[];
  links: LinkView[];
  /** Devices that are connected and whose sources' clocks are off. */
  clocks: LinkView[];
  points: PointGroup[];
  size: number;
}

/** Lost protection, ranked by hazard: alarms that cannot tell, links that are not up, points that are not good, clocks. */
export function unprotected(store: Store): Unprotected {
  const alarms = [...store.alarms.values()].filter((alarm) => alarm.unknown).sort(byUrgency);
  const links = [...store.links.values()].filter((link) => link.state !== "up");
  const clocks = [...store.links.values()].filter((link) => link.state === "up" && (link.clock_ahead ?? 0) !== 0);
  const groups = new Map<string, PointGroup>();
  let count = 0;
  for (const point of store.plant.points) {
    if (store.columns.quality[point.index] === GOOD) continue;
    const group = groups.get(point.equipment) ?? { equipment: point.equipment, points: [] };
    group.points.push(point);
    groups.set(point.equipment, group);
    count += 1;
  }
  const size = alarms.length + links.length + count + clocks.length;
  return { alarms, links, clocks, points: [...groups.values()], size };
}

/** Running demands first, then the newest. */
export function sortedDemands(store: Store): DemandView[] {
  return [...store.demands.values()].sort(
    (one, other) =>
      Number(one.ended_at !== null) - Number(other.ended_at !== null) || other.demanded_at - one.demanded_at,
  );
}

/** Points worth a line on a tile: measurements first, then whatever is in alarm or not good; in plant order. */
export function keyPoints(points: readonly PointView[], notable: (point: PointView) => boolean, room: number): PointView[] {
  if (points.length <= room) return [...points];
  const score = (point: PointView) =>
    (notable(point) ? 4 : 0) + (point.limits.length > 0 ? 2 : 0) + (point.states.length === 0 ? 1 : 0);
  const best = [...points].sort((one, other) => score(other) - score(one) || one.index - other.index).slice(0, room);
  return best.sort((one, other) => one.index - other.index);
}
