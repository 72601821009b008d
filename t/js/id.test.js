import test from "node:test";
import assert from "node:assert/strict";
import { randomFillSync } from "node:crypto";
import { Ids, timeOf } from "../../html/token/id.js";

const fill = (bytes) => randomFillSync(bytes);
const UUID7 = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

test("an id is a UUIDv7 of its time", () => {
  const ids = new Ids({ now: () => 1763683200123, fill });
  const id = ids.next();
  assert.match(id, UUID7);
  assert.equal(timeOf(id), 1763683200123);
});

test("the layout of RFC 9562 is met to the bit", () => {
  const ids = new Ids({ now: () => 0x017f22e279b0, fill: (bytes) => bytes.fill(0xff) });
  assert.equal(ids.next(), "017f22e2-79b0-73ff-bfff-ffffffffffff");
});

test("ids rise, within a millisecond and when the clock goes back", () => {
  let time = 1763683200000;
  const ids = new Ids({ now: () => time, fill });
  const made = [];
  for (let i = 0; i < 20000; i++) {
    if (i === 10000) time -= 3000;
    made.push(ids.next());
  }
  assert.deepEqual(made, [...made].sort());
  assert.equal(new Set(made).size, made.length);
});

test("the random part is new for every id", () => {
  const ids = new Ids({ now: () => 1, fill });
  const tails = new Set(Array.from({ length: 1000 }, () => ids.next().slice(19)));
  assert.equal(tails.size, 1000);
});

test("ids carry the server's time once it is known", () => {
  let time = 1763683200000;
  const ids = new Ids({ now: () => time, fill });
  ids.correct(time + 3600_000);
  assert.equal(timeOf(ids.next()), time + 3600_000);
  time += 5;
  assert.equal(ids.now(), time + 3600_000);
});

test("a clock that was an hour fast does not stay so", () => {
  const ids = new Ids({ now: () => 1763683200000 + 3600_000, fill });
  ids.next();
  ids.correct(1763683200000);
  assert.equal(timeOf(ids.next()), 1763683200000);
});

test("a small correction does not make ids go back", () => {
  const ids = new Ids({ now: () => 1763683200500, fill });
  const before = ids.next();
  ids.correct(1763683200000);
  assert.ok(ids.next() > before);
});
