// A wire trend made into what a chart draws: a line that breaks where nothing is known, and bands that say so. Pure.
import type { Trend } from "../api/types.ts";

export interface Span {
  start: number;
  end: number;
  /** As against uncertain. */
  bad: boolean;
}

export interface Curve {
  /** Seconds since 1970, as the chart wants them. */
  x: number[];
  low: (number | null)[];
  high: (number | null)[];
  mean: (number | null)[];
  spans: Span[];
}

const SECOND = 1_000_000;

/** `silence` (µs) is how long the point may say nothing before its line breaks; all of `end` is known time. */
export function toCurve(trend: Trend, silence: number, end: number): Curve {
  const curve: Curve = { x: [], low: [], high: [], mean: [], spans: [] };
  // Two samples that are `silence` apart may be a bucket further apart by their buckets' starts.
  const longest = silence + trend.bucket;
  const count = trend.start.length;
  for (let row = 0; row < count; row++) {
    const start = trend.start[row] ?? 0;
    const next = trend.start[row + 1] ?? end;
    const close = Math.min(start + trend.bucket, next);
    const quality = trend.worst_quality[row] ?? 0;
    const mean = trend.mean[row] ?? null;
    push(curve, start, trend.low[row] ?? null, trend.high[row] ?? null, mean);
    // A bucket without any good value is not good until somebody says otherwise.
    if (quality > 0) addSpan(curve, start, mean === null ? next : close, quality > 1);
    if (mean !== null && next - start > longest) {
      push(curve, start + longest, null, null, null);
      addSpan(curve, start + longest, next, true);
    }
  }
  return curve;
}

function push(curve: Curve, at: number, low: number | null, high: number | null, mean: number | null): void {
  curve.x.push(at / SECOND);
  curve.low.push(low);
  curve.high.push(high);
  curve.mean.push(mean);
}

function addSpan(curve: Curve, start: number, end: number, bad: boolean): void {
  const last = curve.spans.at(-1);
  if (last && last.bad === bad && start / SECOND <= last.end) last.end = Math.max(last.end, end / SECOND);
  else if (end > start) curve.spans.push({ start: start / SECOND, end: end / SECOND, bad });
}
