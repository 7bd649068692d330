// Alarm sound: one tone for each urgency and one of its own for a lost gateway.
// Silencing never acknowledges; a new alarm or the reminder time ends the silence.
import { computed, ref } from "vue";
import type { Priority } from "../api/types.ts";

type Tone = "critical" | "high" | "notice" | "lost";

interface Beep {
  frequency: number;
  at: number;
  length: number;
  shape: OscillatorType;
}

const REMINDER = 180_000;
const REPEAT: Readonly<Record<Tone, number>> = { critical: 2_000, high: 5_000, notice: 0, lost: 4_000 };
const LOUD = 0.25;

const series = (count: number, make: (index: number) => Beep): Beep[] => Array.from({ length: count }, (_, index) => make(index));

// Told apart by rhythm as well as by pitch, so that a poor loudspeaker does not blur them.
const TONES: Readonly<Record<Tone, readonly Beep[]>> = {
  critical: series(6, (index) => ({ frequency: index % 2 ? 740 : 988, at: index * 0.18, length: 0.17, shape: "square" })),
  high: series(2, (index) => ({ frequency: 660, at: index * 0.35, length: 0.25, shape: "triangle" })),
  notice: series(1, () => ({ frequency: 440, at: 0, length: 0.35, shape: "sine" })),
  lost: series(3, (index) => ({ frequency: [392, 311, 247][index] ?? 247, at: index * 0.32, length: 0.3, shape: "sawtooth" })),
};

let context: AudioContext | null = null;
let urgent: Tone | null = null;
let gatewayLost = false;
const played = new Map<Tone, number>();
const silencedUntil = ref(0);
const clock = ref(performance.now());
const running = ref(false);

export type SoundState = "blocked" | "silenced" | "on";

export const soundState = computed<SoundState>(() => {
  if (!running.value) return "blocked";
  return clock.value < silencedUntil.value ? "silenced" : "on";
});

function play(tone: Tone): void {
  played.set(tone, performance.now());
  if (!context || context.state !== "running") return;
  for (const beep of TONES[tone]) {
    const oscillator = context.createOscillator();
    const gain = context.createGain();
    const start = context.currentTime + beep.at;
    oscillator.type = beep.shape;
    oscillator.frequency.value = beep.frequency;
    gain.gain.setValueAtTime(0, start);
    gain.gain.linearRampToValueAtTime(LOUD, start + 0.015);
    gain.gain.setValueAtTime(LOUD, start + beep.length - 0.03);
    gain.gain.linearRampToValueAtTime(0, start + beep.length);
    oscillator.connect(gain).connect(context.destination);
    oscillator.start(start);
    oscillator.stop(start + beep.length);
  }
}

function due(tone: Tone): boolean {
  return performance.now() - (played.get(tone) ?? -Infinity) >= REPEAT[tone];
}

function tick(): void {
  clock.value = performance.now();
  running.value = context?.state === "running";
  if (soundState.value === "silenced") return;
  if (gatewayLost && due("lost")) play("lost");
  else if (!gatewayLost && urgent && due(urgent)) play(urgent);
}

const toneOf = (priority: Priority): Tone => (priority === "critical" || priority === "high" ? priority : "notice");

/** A new occurrence: heard at once, whatever was silenced before. */
export function alarmRaised(priority: Priority): void {
  silencedUntil.value = 0;
  const tone = toneOf(priority);
  if (tone === "notice" && !urgent) play(tone);
}

/** Priorities that are unacknowledged now; the worst of them repeats. */
export function standing(priorities: readonly Priority[]): void {
  if (priorities.includes("critical")) urgent = "critical";
  else urgent = priorities.includes("high") ? "high" : null;
}

export function setGatewayLost(isLost: boolean): void {
  if (isLost && !gatewayLost) silencedUntil.value = 0;
  gatewayLost = isLost;
}

export function silence(): void {
  silencedUntil.value = performance.now() + REMINDER;
  clock.value = performance.now();
}

/** Call from a click or key press: browsers allow sound only then. */
export async function enableSound(): Promise<void> {
  context ??= new AudioContext();
  await context.resume();
  tick();
}

export function startSound(): void {
  context = new AudioContext();
  const unlock = () => {
    if (!running.value) void enableSound();
  };
  // Not at the press: the banner would go, and what is being pressed would move away from under the finger.
  addEventListener("click", unlock);
  addEventListener("keydown", unlock);
  setInterval(tick, 250);
  tick();
}
