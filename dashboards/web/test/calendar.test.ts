import assert from "node:assert/strict";
import { test } from "node:test";
import { dayOf, dayStart, monthStart, quarterStart, weekStart, yearStart } from "../src/calendar.ts";

test("a day is China's: it begins eight hours before that of the same name in London", () => {
  const start = dayStart("2026-03-05");
  assert.equal(start, Date.UTC(2026, 2, 4, 16) * 1000);
  assert.equal(dayOf(start), "2026-03-05");
  assert.equal(dayOf(start - 1), "2026-03-04");
  assert.equal(dayStart("2026-03-05", 1) - start, 86_400_000_000);
});

test("a week runs from Saturday to Friday, as the weekly table is sent in", () => {
  assert.equal(weekStart("2026-03-06"), "2026-02-28");
  assert.equal(weekStart("2026-03-07"), "2026-03-07");
});

test("month, quarter and year begin on their first day", () => {
  assert.equal(monthStart("2026-12-31"), "2026-12-01");
  assert.deepEqual(["2026-01-31", "2026-06-30", "2026-12-01"].map(quarterStart), ["2026-01-01", "2026-04-01", "2026-10-01"]);
  assert.equal(yearStart("2026-12-31"), "2026-01-01");
});
