import assert from "node:assert/strict";
import { test } from "node:test";
import { alarmByEquipment, collapse, countByPriority, keyPoints, standingAlarms, unprotected } from "../src/state/attention.ts";
import { intoColumns } from "../src/state/layout.ts";
import { Store } from "../src/state/store.ts";
import { alarm, point, snapshot } from "./fixtures.ts";

test("the worst alarm comes first, and the unacknowledged before the acknowledged", () => {
  const store = new Store(
    snapshot({
      alarms: [
        alarm("low", { priority: "low" }),
        alarm("held", { priority: "critical", state: "acknowledged", raised_at: 9 }),
        alarm("open", { priority: "critical", raised_at: 1 }),
      ],
    }),
  );
  assert.deepEqual(standingAlarms(store).map((each) => each.id), ["open", "held", "low"]);
});

test("an alarm that only cannot tell is no standing alarm but is not protected", () => {
  const store = new Store(snapshot({ alarms: [alarm("x", { state: "normal", unknown: true })] }));
  assert.equal(standingAlarms(store).length, 0);
  assert.deepEqual(unprotected(store).alarms.map((each) => each.id), ["x"]);
});

test("every point that is not good is named among what is not protected", () => {
  const gone = unprotected(new Store(snapshot()));
  assert.deepEqual(gone.points.map((group) => group.points.map((each) => each.index)), [[1]]);
  assert.equal(gone.size, 1);
});

test("an equipment flashes for any unacknowledged alarm, in the colour of the worst", () => {
  const found = alarmByEquipment([alarm("a", { priority: "critical", state: "acknowledged" }), alarm("b", { priority: "low" })]);
  assert.equal(found.get("e1")?.worst.id, "a");
  assert.equal(found.get("e1")?.unacknowledged, true);
  assert.equal(found.get("e1")?.count, 2);
});

test("counts hold every priority, also those of which there is none", () => {
  const counts = countByPriority([alarm("a"), alarm("b", { state: "latched_acknowledged" })]);
  assert.deepEqual(counts.high, { standing: 2, unacknowledged: 1 });
  assert.deepEqual(counts.critical, { standing: 0, unacknowledged: 0 });
});

test("a tile keeps the plant's order and never leaves out the point that is in alarm", () => {
  const points = [0, 1, 2, 3].map((index) => point(index));
  const shown = keyPoints(points, (each) => each.index === 3, 2);
  assert.deepEqual(shown.map((each) => each.index), [0, 3]);
});

test("every tile is laid out once, in order, and each column opens with its area", () => {
  const area = { id: "a", name: { zh: "a", en: "a" }, staffed: true };
  const equipment = (id: string) => ({ id, equipment_class: "c", class_name: area.name, area: "a", parent: null, name: area.name });
  const groups = [{ area, tiles: ["1", "2", "3", "4", "5"].map((id) => ({ equipment: equipment(id), height: 5 })) }];
  const columns = intoColumns(groups, 3);
  assert.ok(columns.length <= 3);
  assert.deepEqual(columns.flat().flatMap((group) => group.tiles.map((tile) => tile.equipment.id)), ["1", "2", "3", "4", "5"]);
  assert.ok(columns.every((column) => column[0]?.area.id === "a"));
});

test("a flood collapses to first-outs and counts by area, and every alarm is in one of them", () => {
  const many = [
    alarm("c", { priority: "critical", area: "a" }),
    alarm("f", { priority: "low", area: "b", first_out: true }),
    ...Array.from({ length: 300 }, (_, index) =>
      alarm(`x${index}`, { priority: index % 2 ? "high" : "low", area: index % 3 ? "a" : "b", state: index % 5 ? "unacknowledged" : "acknowledged" }),
    ),
  ];
  const { shown, areas } = collapse(many, ["critical"]);
  assert.deepEqual(shown.map((each) => each.id), ["c", "f"]);
  assert.equal(shown.length + areas.reduce((sum, each) => sum + each.total, 0), many.length);
  assert.deepEqual(areas.map((each) => [each.area, each.worst, each.total]), [["a", "high", 200], ["b", "high", 100]]);
  assert.equal(areas.reduce((sum, each) => sum + each.unacknowledged, 0), 240);
  assert.equal(collapse(many, ["critical", "high", "low"]).shown.length, many.length);
});
