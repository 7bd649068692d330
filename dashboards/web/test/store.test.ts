import assert from "node:assert/strict";
import { test } from "node:test";
import { BAD, KEPT_CLOSED_TICKETS, NEVER_SEEN, STALE, Store, UNCERTAIN } from "../src/state/store.ts";
import { alarm, changes, snapshot, ticket } from "./fixtures.ts";

test("a point that the snapshot does not mention is bad and never seen", () => {
  const store = new Store(snapshot());
  assert.equal(store.columns.quality[1], BAD);
  assert.equal(store.columns.reason[1], NEVER_SEEN);
  assert.ok(Number.isNaN(store.columns.value[1]));
});

test("a value that is not good has no number, whatever the wire carries", () => {
  const store = new Store(snapshot());
  for (const quality of [UNCERTAIN, STALE, BAD]) {
    const anyGood = store.columns.apply({ point: [0], value: [0.7], quality: [quality], reason: [2], source_time: [2] });
    assert.ok(Number.isNaN(store.columns.value[0]));
    assert.equal(store.columns.quality[0], quality);
    assert.equal(anyGood, false);
  }
});

test("a sample of an unknown point is ignored", () => {
  const store = new Store(snapshot());
  const touched: number[] = [];
  store.columns.apply({ point: [7, -1, 1], value: [1, 1, 1], quality: [0, 0, 0], reason: [0, 0, 0], source_time: [1, 1, 1] }, (each) => touched.push(each));
  assert.deepEqual(touched, [1]);
});

test("an alarm that is normal leaves, but one that cannot tell stays", () => {
  const store = new Store(snapshot({ alarms: [alarm("x"), alarm("y")] }));
  store.applyChanges(changes(11, { alarms: [alarm("x", { state: "normal" }), alarm("y", { state: "normal", unknown: true })] }));
  assert.deepEqual([...store.alarms.keys()], ["y"]);
});

test("only a new occurrence sounds, and a change of the same one does not", () => {
  const store = new Store(snapshot({ alarms: [alarm("x")] }));
  assert.equal(store.applyChanges(changes(11, { alarms: [alarm("x", { unknown: true })] })).raised.length, 0);
  assert.equal(store.applyChanges(changes(12, { alarms: [alarm("x", { state: "acknowledged" })] })).raised.length, 0);
  assert.equal(store.applyChanges(changes(13, { alarms: [alarm("x", { occurrence: "x-2" })] })).raised.length, 1);
});

test("changes that the snapshot already holds are not applied twice", () => {
  const store = new Store(snapshot());
  assert.equal(store.applyChanges(changes(10, { alarms: [alarm("x")] })).raised.length, 0);
  assert.equal(store.alarms.size, 0);
});

test("a gap in the journal asks for a new snapshot, and the views are taken all the same", () => {
  const store = new Store(snapshot());
  assert.equal(store.applyChanges(changes(11)).gap, false);
  const applied = store.applyChanges(changes(14, { alarms: [alarm("x")] }));
  assert.equal(applied.gap, true);
  assert.equal(store.alarms.size, 1);
  assert.equal(store.sequence, 14);
});

test("closed tickets are bounded, and standing ones are never dropped", () => {
  const store = new Store(snapshot({ tickets: [ticket("standing")] }));
  for (let index = 0; index < KEPT_CLOSED_TICKETS + 20; index++) {
    store.applyChanges(changes(11 + index, { tickets: [ticket(`t${index}`, { state: "written_off", filed_at: index })] }));
  }
  assert.equal(store.tickets.size, KEPT_CLOSED_TICKETS + 1);
  assert.ok(store.tickets.has("standing"));
  assert.ok(!store.tickets.has("t0"));
});

test("an alarm that is put aside stays in the page's memory, sounds for nobody, and sounds when it comes back", () => {
  const store = new Store(snapshot({ alarms: [alarm("x")] }));
  const shelf = { since: 1, until: 9, one_shot: false, by: "w", second: "", comment: "c" };
  const away = store.applyChanges(changes(11, { alarms: [alarm("x", { shelf, shown: "shelved" })] }));
  assert.deepEqual(away.raised, []);
  assert.ok(store.alarms.has("x"));
  const back = store.applyChanges(changes(12, { alarms: [alarm("x")] }));
  assert.deepEqual(back.raised.map((each) => each.id), ["x"]);
  const removal = { since: 1, by: "w", second: "", permit: "p", comment: "c" };
  store.applyChanges(changes(13, { alarms: [alarm("x", { state: "normal", removal, shown: "out_of_service" })] }));
  assert.ok(store.alarms.has("x"), "out of service, and normal beneath: still in sight");
});
