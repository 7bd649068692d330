// Days in China's time, as date fields have them (2026-03-05), and the moments at which they begin. Pure.
const CHINA = 8 * 3_600_000;
const DAY = 86_400_000;

const utc = (day: string) => Date.parse(`${day}T00:00:00Z`);
const written = (milliseconds: number) => new Date(milliseconds).toISOString().slice(0, 10);

/** The day in China that holds this moment (µs). */
export const dayOf = (at: number) => written(at / 1000 + CHINA);

/** When a day, or one some days after it, begins in China (µs). */
export const dayStart = (day: string, after = 0) => (utc(day) + after * DAY - CHINA) * 1000;

/** The Saturday before or on it: a weekly report runs to Friday. */
export const weekStart = (day: string) => written(utc(day) - ((new Date(utc(day)).getUTCDay() + 1) % 7) * DAY);
export const monthStart = (day: string) => `${day.slice(0, 7)}-01`;
export const yearStart = (day: string) => `${day.slice(0, 4)}-01-01`;

export function quarterStart(day: string): string {
  const month = Math.floor((Number(day.slice(5, 7)) - 1) / 3) * 3 + 1;
  return `${day.slice(0, 5)}${String(month).padStart(2, "0")}-01`;
}
