// Ties the pure store to the page: which parts are redrawn, how often, and what time it is at the gateway.
import { computed, ref, shallowRef, type ShallowRef } from "vue";
import { LiveConnection } from "../api/live.ts";
import type { DutyCheck, HealthView, Priority, LiveMessage, SampleColumns } from "../api/types.ts";
import { collapse, countByPriority, alarmByEquipment, standingAlarms, suppressedAlarms } from "./attention.ts";
import { announce } from "./announce.ts";
import { alarmRaised, standing as soundStanding } from "./sound.ts";
import { GOOD, isUnacknowledged, Store } from "./store.ts";

const SAMPLE_REDRAW = 250;
const LISTS_REDRAW = 100;
const GAP_RECONNECT = 60_000;

export const store = shallowRef<Store | null>(null);
/** Redrawn when alarms, tickets, demands or links change. */
export const lists = shallowRef(0);
/** Redrawn when any point changed, at most four times a second. */
export const samplesDrawn = shallowRef(0);
/** Ticks that make ages move. */
export const now = ref(0);
export const lost = ref(false);
export const lostFor = ref(0);
export const dataAge = ref<number | null>(null);
export const connectionAge = ref(0);

const equipmentDrawn = new Map<string, ShallowRef<number>>();
const dirty = new Set<string>();
let redrawDue = false;
let lastRedraw = 0;
let gatewayNow = 0;
let gatewayHeard = performance.now();
let lastLife = performance.now();
let lastGood: number | null = null;
let lastGapReconnect = -GAP_RECONNECT;

/** Depend on one equipment's values: read it inside a render or computed. */
export function drawn(equipment: string): number {
  let version = equipmentDrawn.get(equipment);
  if (!version) equipmentDrawn.set(equipment, (version = shallowRef(0)));
  return version.value;
}

export const alarms = computed(() => {
  void lists.value;
  return store.value ? standingAlarms(store.value) : [];
});
export const suppressed = computed(() => {
  void lists.value;
  return store.value ? suppressedAlarms(store.value) : [];
});
export const counts = computed(() => countByPriority(alarms.value));
export const alarmOf = computed(() => alarmByEquipment(alarms.value));
export const unacknowledged = computed(() => alarms.value.filter(isUnacknowledged));
export const oldestUnacknowledged = computed(() =>
  unacknowledged.value.reduce<number | null>(
    (oldest, alarm) => (oldest === null ? alarm.raised_at : Math.min(oldest, alarm.raised_at)),
    null,
  ),
);
export const health = shallowRef<HealthView | null>(null);

const answered = ref("");
/** The duty check that waits, until it is answered here or elsewhere. */
export const dutyCheck = computed<DutyCheck | null>(() => {
  const check = health.value?.duty_check ?? null;
  return check?.id === answered.value ? null : check;
});
/** The gateway's next words on its health come a moment later than its answer. */
export function dutyAnswered(check: string): void {
  answered.value = check;
  soundNow();
}

/** Sounds like an alarm of its class. */
function soundNow(): void {
  const waiting = unacknowledged.value.map((alarm) => alarm.priority);
  if (dutyCheck.value) waiting.push((health.value?.duty_priority ?? "high") as Priority);
  soundStanding(waiting);
}

/** A check that was not known before is heard at once, and once more when it is missed. */
function hearCheck(before: DutyCheck | null): void {
  const check = dutyCheck.value;
  if (check && (check.id !== before?.id || check.state !== before.state)) {
    alarmRaised((health.value?.duty_priority ?? "high") as Priority);
  }
}

/** More alarms come than a person can follow. */
export const flood = computed(() => health.value?.flood_since ?? null);
/** Priorities that are shown one by one, however many come. */
export const neverCollapsed = computed<readonly string[]>(() => health.value?.never_collapsed ?? ["critical"]);
export const collapsed = computed(() => collapse(alarms.value, neverCollapsed.value));

/** The gateway's wall clock now, in microseconds; its clock counts, not this browser's. */
export function gatewayTime(): number {
  return gatewayNow + (performance.now() - gatewayHeard) * 1000;
}

function redraw(): void {
  redrawDue = false;
  lastRedraw = performance.now();
  samplesDrawn.value += 1;
  for (const equipment of dirty) {
    const version = equipmentDrawn.get(equipment);
    if (version) version.value += 1;
  }
  dirty.clear();
}

function redrawSoon(): void {
  if (redrawDue) return;
  redrawDue = true;
  const wait = Math.max(0, SAMPLE_REDRAW - (performance.now() - lastRedraw));
  setTimeout(() => requestAnimationFrame(redraw), wait);
}

let listsDue = false;
let lastLists = 0;

/** At once, then at most ten times a second: a flood must not keep the page from answering. */
function redrawLists(): void {
  if (listsDue) return;
  const wait = LISTS_REDRAW - (performance.now() - lastLists);
  const draw = () => {
    listsDue = false;
    lastLists = performance.now();
    lists.value += 1;
    soundNow();
  };
  if (wait <= 0) return draw();
  listsDue = true;
  setTimeout(draw, wait);
}

function applySamples(current: Store, samples: SampleColumns): void {
  const points = current.plant.points;
  const anyGood = current.columns.apply(samples, (point) => dirty.add(points[point]?.equipment ?? ""));
  if (anyGood) lastGood = performance.now();
  redrawSoon();
}

/** Age of the newest good sample in a snapshot: what was old before it arrived is still old. */
function newestGood(current: Store): number | null {
  let newest = -Infinity;
  for (let point = 0; point < current.columns.quality.length; point++) {
    if (current.columns.quality[point] !== GOOD) continue;
    newest = Math.max(newest, current.columns.sourceTime[point] ?? 0);
  }
  if (newest === -Infinity) return null;
  return performance.now() - Math.max(0, (gatewayNow - newest) / 1000);
}

function receive(message: LiveMessage): void {
  gatewayNow = message.now;
  gatewayHeard = performance.now();
  if (message.type === "heartbeat" || message.type === "snapshot") lastLife = gatewayHeard;
  const current = store.value;
  const before = dutyCheck.value;
  if (message.type === "snapshot") {
    const next = new Store(message);
    lastGood = newestGood(next);
    store.value = next;
    health.value = message.health;
    for (const equipment of equipmentDrawn.keys()) dirty.add(equipment);
    redrawSoon();
    lists.value += 1;
    announceNew(current, next);
  } else if (!current) {
    return;
  } else if (message.type === "samples") {
    applySamples(current, message.samples);
  } else if (message.type === "heartbeat") {
    health.value = message.health;
  } else {
    const applied = current.applyChanges(message);
    redrawLists();
    applied.raised.forEach((alarm) => alarmRaised(alarm.priority));
    announce(applied.raised);
    if (applied.gap && performance.now() - lastGapReconnect > GAP_RECONNECT) {
      lastGapReconnect = performance.now();
      connection.reconnect();
    }
  }
  hearCheck(before);
  soundNow();
}

/** After an outage, what is unacknowledged and was not known here before sounds as new. */
function announceNew(before: Store | null, next: Store): void {
  const fresh = standingAlarms(next).filter(
    (alarm) => isUnacknowledged(alarm) && before?.alarms.get(alarm.id)?.occurrence !== alarm.occurrence,
  );
  fresh.forEach((alarm) => alarmRaised(alarm.priority));
  announce(fresh);
}

function tick(): void {
  const at = performance.now();
  now.value = gatewayTime();
  connectionAge.value = at - lastLife;
  dataAge.value = lastGood === null ? null : at - lastGood;
  lostFor.value = lost.value ? at - lastLife : 0;
}

const scheme = location.protocol === "https:" ? "wss" : "ws";

const connection = new LiveConnection(`${scheme}://${location.host}/api/live`, {
  message: receive,
  lost(isLost) {
    lost.value = isLost;
    tick();
  },
});

export function startSession(): void {
  tick();
  setInterval(tick, 500);
  connection.start();
}
