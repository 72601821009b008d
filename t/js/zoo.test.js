import test from "node:test";
import assert from "node:assert/strict";
import fc from "fast-check";
import { OnAll, Token, computed, effect, signal } from "../../html/token.js";
import {
  CyclicToken, DISCARDED, Latchable, LatestEdit, StampedCyclicToken, StampedToken,
  TokenNofail, WithDataSlot, afterAck, stopErrPropagation, trackToken,
} from "../../html/token-zoo.js";
import { World, source } from "./fake.js";

const isFunction = (t) => typeof t === "function";

test("Token: a discard leads to idle, and is not an error", () => {
  const clicks = source();
  const token = Token(clicks);
  clicks.fire();
  assert.equal(token.value[0](DISCARDED), false);
  assert.deepEqual(token.value, [null, null]);
});

test("TokenNofail: an event makes a token, later ones are discarded", () => {
  const clicks = source();
  const token = TokenNofail(clicks);
  assert.equal(token.value, null);
  clicks.fire("a");
  const t = token.value;
  clicks.fire("b");
  assert.equal(token.value, t);
  assert.equal(t.event, "a");
});

test("TokenNofail: spending with anything clears it, and keeps no error", () => {
  for (const error of [undefined, "no", { code: "timeout" }]) {
    const clicks = source();
    const token = TokenNofail(clicks);
    clicks.fire();
    assert.equal(token.value(error), false);
    assert.equal(token.value, null);
  }
});

test("CyclicToken: a fresh token for every event that counts", () => {
  const keys = source();
  const token = CyclicToken(keys, (text) => text !== "");
  keys.fire("a");
  const a = token.value;
  keys.fire("ab");
  assert.notEqual(token.value, a);
  assert.equal(token.value.event, "ab");
  const ab = token.value;
  keys.fire("");
  assert.equal(token.value, ab);
});

test("CyclicToken: the token before is aborted, and its late spend changes nothing", () => {
  const keys = source();
  const token = CyclicToken(keys);
  keys.fire("a");
  const a = token.value;
  keys.fire("ab");
  const ab = token.value;
  assert.deepEqual([a.signal.aborted, ab.signal.aborted], [true, false]);
  a();
  a("no");
  assert.equal(token.value, ab);
});

test("CyclicToken: a spent token is not aborted by the next event", () => {
  const keys = source();
  const token = CyclicToken(keys);
  keys.fire("a");
  const a = token.value;
  a();
  assert.equal(token.value, null);
  keys.fire("ab");
  assert.equal(a.signal.aborted, false);
});

test("CyclicToken: nobody sees the gap between two tokens", () => {
  const keys = source();
  const token = CyclicToken(keys);
  const seen = [];
  effect(() => void seen.push(token.value?.event ?? null));
  keys.fire("a");
  keys.fire("ab");
  assert.deepEqual(seen, [null, "a", "ab"]);
});

test("CyclicToken with rearm: after each spend a token for the event that is still there", () => {
  const wish = signal("a");
  const token = CyclicToken(wish, (v) => v !== null, { rearm: true });
  const first = token.value;
  first();
  const second = token.value;
  assert.notEqual(second, first);
  assert.equal(second.event, "a");
  wish.value = null;
  second("no");
  assert.equal(token.value, null);
});

test("CyclicToken with rearm: dispose ends it", () => {
  const keys = source();
  const token = CyclicToken(keys, undefined, { rearm: true });
  keys.fire("a");
  token.dispose();
  token.value();
  assert.equal(token.value, null);
  assert.equal(keys.fns.size, 0);
});

test("CyclicToken: the command of the token before is cancelled on the server", async () => {
  const world = await World.open();
  const keys = source();
  const token = CyclicToken(keys);
  effect(() => {
    if (token.value) world.live.run(token.value, "search", { q: token.value.event });
  });
  keys.fire("a");
  await world.clock.pass(0);
  keys.fire("ab");
  await world.clock.pass(0);
  const [a, cancel, ab] = world.socket.take();
  assert.deepEqual([a.value.q, cancel.type, cancel.id, ab.value.q], ["a", "cancel", a.id, "ab"]);
  assert.deepEqual(world.live.commands.value.map(({ id }) => id), [ab.id]);

  const up = token.value;
  await world.socket.say({ type: "outcome", id: a.id, outcome: "superseded" });
  assert.equal(token.value, up);
  await world.socket.say({ type: "outcome", id: ab.id, outcome: "ok", seq: 1 });
  assert.equal(token.value, null);
});

test("CyclicToken: what was not sent yet is not sent", async () => {
  const world = await World.open();
  const keys = source();
  const token = CyclicToken(keys);
  effect(() => void (token.value && world.live.run(token.value, "search", token.value.event)));
  for (const text of ["a", "ab", "abc"]) keys.fire(text);
  await world.clock.pass(0);
  assert.deepEqual(world.socket.take().map(({ value }) => value), ["abc"]);
});

test("run: an aborted token sends nothing", async () => {
  const world = await World.open();
  const keys = source();
  const token = CyclicToken(keys);
  keys.fire("a");
  const dead = token.value;
  keys.fire("ab");
  const command = world.live.run(dead, "search", "a");
  await world.clock.pass(0);
  assert.equal(command.state.value, "superseded");
  assert.deepEqual(world.socket.take(), []);
});

test("StampedToken: later events do not change the stamp while the token is up", () => {
  const items = source();
  const token = StampedToken(items);
  assert.deepEqual(token.value, [null, null]);
  items.fire("blue");
  const before = token.value;
  items.fire("red");
  assert.equal(token.value, before);
  assert.equal(before[0], "blue");
});

test("StampedToken: the stamp stays readable after the spend, either way", () => {
  for (const error of [undefined, "no"]) {
    const items = source();
    const token = StampedToken(items);
    items.fire("blue");
    token.value[1](error);
    assert.deepEqual(token.value, ["blue", null]);
    items.fire("red");
    assert.equal(token.value[0], "red");
  }
});

test("StampedCyclicToken: each event is the stamp of a token of its own", () => {
  const items = source();
  const token = StampedCyclicToken(items);
  items.fire("blue");
  const [, blue] = token.value;
  items.fire("red");
  const [stamp, red] = token.value;
  assert.equal(stamp, "red");
  assert.equal(blue.signal.aborted, true);
  blue();
  assert.deepEqual(token.value, ["red", red]);
  red();
  assert.deepEqual(token.value, ["red", null]);
});

test("Latchable: follows its source until it is latched, and again when it is not", () => {
  const source = signal(1);
  const latchable = Latchable(source);
  source.value = 2;
  const [value, latch] = latchable.value;
  assert.equal(value, 2);
  const unlatch = latch();
  source.value = 3;
  assert.equal(latchable.value[0], 2);
  unlatch();
  assert.equal(latchable.value[0], 3);
});

test("Latchable: of several latches the last one undone thaws it, each counts once", () => {
  const source = signal(1);
  const latchable = Latchable(source);
  const [, latch] = latchable.value;
  const [one, two] = [latch(), latch()];
  source.value = 2;
  one();
  one();
  assert.equal(latchable.value[0], 1);
  two();
  assert.equal(latchable.value[0], 2);
});

test("WithDataSlot: spending with a value stores it, and spends the token", () => {
  const keys = source();
  const token = TokenNofail(keys);
  const slot = WithDataSlot(token, []);
  assert.deepEqual(slot.value, [null, []]);
  keys.fire("a");
  const [t] = slot.value;
  t(["hit"]);
  assert.deepEqual(slot.value, [null, ["hit"]]);
  assert.equal(token.value, null);
  t(["late"]);
  assert.deepEqual(slot.value[1], ["hit"]);
});

test("WithDataSlot: without a value the data stays, and an error passes by it", () => {
  const keys = source();
  const token = Token(keys);
  const slot = WithDataSlot(token, "init");
  keys.fire();
  slot.value[0]();
  assert.deepEqual([token.value, slot.value], [[null, null], [null, "init"]]);
  keys.fire();
  assert.equal(slot.value[0].reject("no"), true);
  assert.deepEqual([token.value, slot.value], [[null, "no"], [null, "init"]]);
});

test("WithDataSlot: run stores the result of the service, and only that of the latest", async () => {
  const world = await World.open();
  const keys = source();
  const slot = WithDataSlot(CyclicToken(keys), []);
  effect(() => {
    const [t] = slot.value;
    if (t) world.live.run(t, "search", t.event);
  });
  keys.fire("a");
  await world.clock.pass(0);
  keys.fire("ab");
  await world.clock.pass(0);
  const ids = world.socket.take().filter(({ type }) => type === "token").map(({ id }) => id);
  await world.socket.say({ type: "outcome", id: ids[0], outcome: "ok", seq: 1, result: ["old"] });
  assert.deepEqual(slot.value[1], []);
  await world.socket.say({ type: "outcome", id: ids[1], outcome: "ok", seq: 1, result: ["new"] });
  assert.deepEqual(slot.value, [null, ["new"]]);
});

test("trackToken: remembers the last error given to it, until a success", () => {
  const items = source();
  const stamped = StampedToken(items);
  const tracked = trackToken(stamped);
  assert.deepEqual(tracked.value, [null, null]);
  items.fire("blue");
  tracked.value[0]("no");
  assert.deepEqual(tracked.value, [null, "no"]);
  assert.deepEqual(stamped.value, ["blue", null]);
  items.fire("blue");
  assert.equal(isFunction(tracked.value[0]), true);
  assert.equal(tracked.value[1], null);
  tracked.value[0]();
  assert.deepEqual(tracked.value, [null, null]);
});

test("trackToken: a late spend is not remembered", () => {
  const keys = source();
  const tracked = trackToken(CyclicToken(keys));
  keys.fire("a");
  const [a] = tracked.value;
  keys.fire("ab");
  const [ab] = tracked.value;
  a("no");
  assert.deepEqual(tracked.value, [ab, null]);
  ab();
  ab("no");
  assert.deepEqual(tracked.value, [null, null]);
});

test("trackToken: takes a token as it is", () => {
  const clicks = source();
  const token = Token(clicks);
  clicks.fire();
  const tracked = trackToken(token.value[0]);
  tracked.value[0]("no");
  assert.deepEqual(tracked.value, [null, "no"]);
  assert.deepEqual(token.value, [null, "no"]);
});

test("trackToken: run shows the error there, and leaves nothing behind", async () => {
  const world = await World.open();
  const items = source();
  const tracked = trackToken(StampedToken(items));
  items.fire("blue");
  const command = world.live.run(tracked.value[0], "upvote", "blue");
  await world.clock.pass(0);
  await world.socket.say({ type: "outcome", id: command.id, outcome: "failed", error: { code: "timeout" } });
  assert.deepEqual(tracked.value, [null, { code: "timeout" }]);
  assert.deepEqual(world.live.commands.value, []);
});

test("afterAck: runs once when the token is spent, either way", () => {
  for (const error of [undefined, "no"]) {
    const clicks = source();
    const token = Token(clicks);
    const calls = [];
    clicks.fire();
    const t = afterAck(token.value[0], (error) => calls.push([error, token.value[0]]));
    t(error);
    t();
    assert.deepEqual(calls, [[error, null]]);
  }
  assert.equal(afterAck(null, () => {}), null);
});

test("stopErrPropagation: success passes, an error does not and leaves the token up", () => {
  const clicks = source();
  const token = Token(clicks);
  clicks.fire();
  const t = stopErrPropagation(token.value[0]);
  assert.equal(t("no"), false);
  assert.notEqual(token.value[0], null);
  t();
  assert.deepEqual(token.value, [null, null]);
});

test("stopErrPropagation: a discard passes", () => {
  const clicks = source();
  const token = Token(clicks);
  clicks.fire();
  stopErrPropagation(token.value[0])(DISCARDED);
  assert.deepEqual(token.value, [null, null]);
});

/** a failed command whose token has not taken the error */
async function stopped() {
  const world = await World.open();
  const clicks = source();
  const token = Token(clicks);
  clicks.fire();
  const command = world.live.run(stopErrPropagation(token.value[0]), "toggle");
  await world.clock.pass(0);
  const outcome = async (more) => {
    await world.clock.pass(0);
    await world.socket.say({ type: "outcome", id: command.id, ...more });
  };
  await outcome({ outcome: "failed", error: { code: "timeout" } });
  assert.deepEqual(world.live.commands.value, [command]);
  return { token, command, outcome };
}

test("stopErrPropagation: the retry of the command spends the token", async () => {
  const { token, command, outcome } = await stopped();
  command.retry();
  await outcome({ outcome: "ok", seq: 1 });
  assert.deepEqual(token.value, [null, null]);
});

test("stopErrPropagation: the discard of the failed command spends the token", async () => {
  const { token, command } = await stopped();
  command.discard();
  assert.deepEqual(token.value, [null, null]);
});

test("run: what stands for a token is the same intent, and is sent once", async () => {
  const world = await World.open();
  const clicks = source();
  const token = Token(clicks);
  const other = signal(0);
  let acks = 0;
  effect(() => {
    other.value;
    const t = afterAck(token.value[0], () => acks++);
    if (t) world.live.run(t, "toggle");
  });
  clicks.fire();
  other.value = 1;
  await world.clock.pass(0);
  const sent = world.socket.take();
  assert.equal(sent.length, 1);
  await world.socket.say({ type: "outcome", id: sent[0].id, outcome: "ok", seq: 1 });
  assert.deepEqual([token.value, acks], [[null, null], 1]);
});

test("LatestEdit: when there is a new edit, the one before is accepted", () => {
  const picks = source();
  const rows = OnAll(picks);
  const latest = LatestEdit(rows);
  assert.equal(latest.value, null);
  picks.fire("a");
  picks.fire("b");
  assert.equal(latest.value[1], "b");
  assert.deepEqual(rows.value.map(([, event]) => event), ["b"]);
  latest.value[0]();
  assert.equal(latest.value, null);
  latest.dispose();
});

test("LatestEdit: the one before is accepted, not rejected", () => {
  const spent = [];
  const row = (name) => [(...args) => void spent.push([name, ...args]), name];
  const [a, b] = [row("a"), row("b")];
  const rows = signal([a]);
  const latest = LatestEdit(rows);
  assert.deepEqual(spent, []);
  rows.value = [a, b];
  assert.deepEqual([spent, latest.value], [[["a"]], b]);
  latest.dispose();
});

test("LatestEdit: at most one edit is up, whatever happens", () => {
  fc.assert(
    fc.property(fc.array(fc.option(fc.nat(3))), (events) => {
      const picks = source();
      const rows = OnAll(picks);
      const latest = LatestEdit(rows);
      let model = null;
      for (const event of events) {
        if (event === null) latest.peek()?.[0]();
        else picks.fire(event);
        model = event;
        assert.equal(rows.peek().length, model === null ? 0 : 1);
        assert.equal(latest.peek()?.[1] ?? null, model);
      }
    }),
  );
});

test("computed of a stamp is a source for a token of its own", () => {
  const items = source();
  const stamped = StampedToken(items);
  const token = Token(computed(() => stamped.value[0]));
  items.fire("blue");
  assert.equal(token.value[0].event, "blue");
});
