// Numbers, times and durations as people read them. Pure.

const UNITS: Readonly<Record<string, string>> = {
  degC: "°C",
  "m3/h": "m³/h",
  "m^3/h": "m³/h",
  "m**3/h": "m³/h",
  deg: "°",
  degree: "°",
};

export function unitWords(unit: string): string {
  return UNITS[unit] ?? unit;
}

/** Decimals that a measuring range deserves. */
export function decimals(low: number, high: number): number {
  const span = Math.abs(high - low);
  if (span >= 500) return 0;
  if (span >= 50) return 1;
  if (span >= 5) return 2;
  return 3;
}

/** A measured value with these decimals; zero has no sign. */
export function measured(value: number, low: number, high: number): string {
  const text = value.toFixed(decimals(low, high));
  return Number(text) === 0 ? text.replace("-", "") : text;
}

const two = (value: number) => String(value).padStart(2, "0");

/** 14:03:09, in the duty room's own time zone. */
export function clockTime(microseconds: number): string {
  const at = new Date(microseconds / 1000);
  return `${two(at.getHours())}:${two(at.getMinutes())}:${two(at.getSeconds())}`;
}

export function calendarDate(microseconds: number): string {
  const at = new Date(microseconds / 1000);
  return `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())}`;
}

/** Time alone for today, with the date for any other day. */
export function moment(microseconds: number, now: number): string {
  const time = clockTime(microseconds);
  const day = calendarDate(microseconds);
  return day === calendarDate(now) ? time : `${day.slice(5)} ${time}`;
}

/** What a field for local date and time holds, to the second. */
export function localField(microseconds: number): string {
  return `${calendarDate(microseconds)}T${clockTime(microseconds)}`;
}

/** The microseconds that such a field names; NaN while it is incomplete. */
export function localFieldTime(text: string): number {
  return new Date(text).getTime() * 1000;
}

/** 812 B, 3.4 kB, 1.2 GB. */
export function bytes(count: number): string {
  const step = Math.min(4, Math.floor(Math.log10(Math.max(1, count)) / 3));
  const value = count / 1000 ** step;
  return `${step === 0 || value >= 100 ? value.toFixed(0) : value.toFixed(1)} ${["B", "kB", "MB", "GB", "TB"][step]}`;
}

/** 0:07, 12:40, 3:05:00, 2 d 04 h: never a rounded-up age. */
export function age(microseconds: number): string {
  const total = Math.max(0, Math.floor(microseconds / 1_000_000));
  const days = Math.floor(total / 86_400);
  const hours = Math.floor(total / 3_600) % 24;
  const minutes = Math.floor(total / 60) % 60;
  const seconds = total % 60;
  if (days > 0) return `${days} d ${two(hours)} h`;
  if (hours > 0) return `${hours}:${two(minutes)}:${two(seconds)}`;
  return `${minutes}:${two(seconds)}`;
}

/** A delay with the precision that tells it from its limit: 0.84 s, 12.3 s, 150 s. */
export function seconds(microseconds: number): string {
  const value = microseconds / 1_000_000;
  return `${value.toFixed(value < 10 ? 2 : value < 100 ? 1 : 0)} s`;
}

export function plain(value: number): string {
  return Number.isInteger(value) ? String(value) : String(Number(value.toPrecision(6)));
}
