import assert from "node:assert/strict";
import { test } from "node:test";
import type { Trend } from "../src/api/types.ts";
import { toCurve } from "../src/chart/columns.ts";

const SECOND = 1_000_000;

function trend(rows: [number, number | null, number][]): Trend {
  const mean = rows.map((row) => row[1]);
  return {
    point: "p", bucket: SECOND, start: rows.map((row) => row[0] * SECOND), low: mean, high: mean, mean, last: mean,
    worst_quality: rows.map((row) => row[2]), limits: [],
  };
}

test("a bucket without a good value is bad until the next one", () => {
  const curve = toCurve(trend([[0, 1, 0], [1, null, 3], [8, 1, 0]]), SECOND, 9 * SECOND);
  assert.deepEqual(curve.spans, [{ start: 1, end: 8, bad: true }]);
});

test("a bucket that was partly bad is hatched for itself alone", () => {
  const curve = toCurve(trend([[0, 1, 0], [1, 2, 3], [2, 1, 0]]), SECOND, 3 * SECOND);
  assert.deepEqual(curve.spans, [{ start: 1, end: 2, bad: true }]);
});

test("the line breaks where a point has said nothing for longer than it may", () => {
  const curve = toCurve(trend([[0, 1, 0], [10, 1, 0]]), 2 * SECOND, 11 * SECOND);
  assert.deepEqual(curve.x, [0, 3, 10]);
  assert.deepEqual(curve.mean, [1, null, 1]);
  assert.deepEqual(curve.spans, [{ start: 3, end: 10, bad: true }]);
});

test("a slow point that speaks within its time has no gap", () => {
  const curve = toCurve(trend([[0, 1, 0], [5, 1, 0]]), 6 * SECOND, 6 * SECOND);
  assert.deepEqual(curve.spans, []);
});

test("uncertain data is told from bad", () => {
  const curve = toCurve(trend([[0, 1, 1], [1, 1, 0]]), SECOND, 2 * SECOND);
  assert.deepEqual(curve.spans, [{ start: 0, end: 1, bad: false }]);
});
