import test from "node:test";
import assert from "node:assert/strict";
import { OnAll, Token, effect, fromEvent, signal, spend } from "../../html/token.js";
import { World, source } from "./fake.js";

test("a token is idle until there is an event", () => {
  assert.deepEqual(Token(source()).value, [null, null]);
});

test("idle: an event makes a token", () => {
  const clicks = source();
  const token = Token(clicks);
  clicks.fire();
  const [t, error] = token.value;
  assert.equal(typeof t, "function");
  assert.equal(error, null);
  assert.equal(t.event, "click");
});

test("idle: an event that is null or undefined is none", () => {
  const clicks = source();
  const token = Token(clicks);
  clicks.fire(null);
  assert.deepEqual(token.value, [null, null]);
});

test("idle: false, 0 and the empty text are events", () => {
  for (const event of [false, 0, ""]) {
    const clicks = source();
    const token = Token(clicks);
    clicks.fire(event);
    assert.notEqual(token.value[0], null);
  }
});

test("idle: on decides which events count", () => {
  const keys = source();
  const token = Token(keys, (key) => key === "Enter");
  keys.fire("a");
  assert.equal(token.value[0], null);
  keys.fire("Enter");
  assert.notEqual(token.value[0], null);
});

test("busy: events are discarded silently", () => {
  const clicks = source();
  const token = Token(clicks);
  clicks.fire("first");
  const before = token.value;
  clicks.fire("second");
  assert.equal(token.value, before);
  before[0]();
  assert.deepEqual(token.value, [null, null]);
});

test("busy: t() leads to idle", () => {
  const clicks = source();
  const token = Token(clicks);
  clicks.fire();
  token.value[0]();
  assert.deepEqual(token.value, [null, null]);
});

test("busy: t(error) leads to failed", () => {
  const clicks = source();
  const token = Token(clicks);
  clicks.fire();
  token.value[0]("no");
  assert.deepEqual(token.value, [null, "no"]);
});

test("busy: t(null) is success", () => {
  const clicks = source();
  const token = Token(clicks);
  clicks.fire();
  token.value[0](null);
  assert.deepEqual(token.value, [null, null]);
});

test("failed: the next event is the retry, and clears the error", () => {
  const clicks = source();
  const token = Token(clicks);
  clicks.fire();
  const [first] = token.value;
  first("no");
  clicks.fire();
  const [second, error] = token.value;
  assert.equal(error, null);
  assert.notEqual(second, null);
  assert.notEqual(second, first);
});

test("failed: an event that does not count leaves the error", () => {
  const clicks = source();
  const token = Token(clicks, (event) => event === "click");
  clicks.fire("click");
  token.value[0]("no");
  clicks.fire("key");
  assert.deepEqual(token.value, [null, "no"]);
});

test("a spent token is dead: it does not harm its successor", () => {
  const clicks = source();
  const token = Token(clicks);
  clicks.fire();
  const [first] = token.value;
  first();
  clicks.fire();
  const [second] = token.value;
  first();
  first("no");
  assert.deepEqual(token.value, [second, null]);
});

test("a second spend does not change the verdict", () => {
  const clicks = source();
  const token = Token(clicks);
  clicks.fire();
  const [t] = token.value;
  t("no");
  t();
  assert.deepEqual(token.value, [null, "no"]);
});

test("no reader sees a torn pair", () => {
  const clicks = source();
  const token = Token(clicks);
  const seen = [];
  effect(() => void seen.push(token.value.map((each) => each !== null)));
  clicks.fire();
  token.peek()[0]("no");
  clicks.fire();
  assert.deepEqual(seen, [[false, false], [true, false], [false, true], [true, false]]);
});

test("an error goes to the token that it is about, not to others of the same source", () => {
  const clicks = source();
  const [one, other] = [Token(clicks), Token(clicks)];
  clicks.fire();
  const [t] = other.value;
  one.value[0]("no");
  assert.deepEqual([one.value, other.value], [[null, "no"], [t, null]]);
});

test("a pair that was read stays as it is, and its token can be spent from where it was kept", () => {
  const clicks = source();
  const token = Token(clicks);
  clicks.fire();
  const kept = { list: [token.value] };
  const copy = [...token.value];
  kept.list[0][0]("no");
  clicks.fire();
  assert.deepEqual(kept.list[0], copy);
});

test("a signal is a source, with the value that it has", () => {
  const wish = signal(null);
  const token = Token(wish);
  assert.equal(token.value[0], null);
  wish.value = "go";
  assert.equal(token.value[0].event, "go");
});

test("dispose ends the subscription", () => {
  const clicks = source();
  const token = Token(clicks);
  token.dispose();
  assert.equal(clicks.fns.size, 0);
});

test("a DOM event target is a source", () => {
  const button = new EventTarget();
  const token = Token(fromEvent(button, "click"));
  button.dispatchEvent(new Event("click"));
  assert.equal(token.value[0].event.type, "click");
});

test("OnAll gives one token per event, in order", () => {
  const messages = source();
  const rows = OnAll(messages);
  messages.fire("a");
  messages.fire("a");
  messages.fire("b");
  assert.deepEqual(rows.value.map(([, event]) => event), ["a", "a", "b"]);
});

test("OnAll: a row falls out when its own token is spent, the others stay as they are", () => {
  const messages = source();
  const rows = OnAll(messages);
  ["a", "b", "c"].forEach((each) => messages.fire(each));
  const [a, b, c] = rows.value;
  b[0]("no");
  assert.equal(rows.value.length, 2);
  assert.equal(rows.value[0], a);
  assert.equal(rows.value[1], c);
  b[0]();
  a[0]();
  assert.deepEqual(rows.value, [c]);
});

test("OnAll: on decides, and dispose ends it", () => {
  const messages = source();
  const rows = OnAll(messages, (text) => text !== "");
  messages.fire("");
  messages.fire("a");
  rows.dispose();
  assert.equal(messages.fns.size, 0);
  assert.equal(rows.value.length, 1);
});

/** a world with a token and its command, sent */
async function running() {
  const world = await World.open();
  const clicks = source();
  const token = Token(clicks);
  clicks.fire();
  const [t] = token.value;
  const command = world.live.run(t, "toggle");
  await world.clock.pass(0);
  const outcome = (more) => world.socket.say({ type: "outcome", id: command.id, ...more });
  return { world, clicks, token, t, command, outcome };
}

test("run: ok spends the token", async () => {
  const { token, outcome, world } = await running();
  await outcome({ outcome: "ok", seq: 1 });
  assert.deepEqual(token.value, [null, null]);
  assert.deepEqual(world.live.commands.value, []);
});

test("run: rejected and failed give the token the error, and leave nothing behind", async () => {
  for (const verdict of ["rejected", "failed"]) {
    const { token, outcome, world } = await running();
    const error = { code: "version", message: "it has changed" };
    await outcome({ outcome: verdict, error });
    assert.deepEqual(token.value, [null, error]);
    assert.deepEqual(world.live.commands.value, []);
  }
});

test("run: what has failed and is asked for again is the same intent, under its id", async () => {
  const world = await World.open({ hello: { user: "alice" } });
  const clicks = source();
  const token = Token(clicks);
  effect(() => {
    const [t] = token.value;
    if (t) world.live.run(t, "buy", t.event);
  });
  const ask = async (value) => {
    clicks.fire(value);
    await world.clock.pass(0);
    const [said, ...more] = world.socket.take().filter(({ type }) => type === "token");
    assert.deepEqual([said.value, more], [value, []]);
    return said.id;
  };
  const fail = (id) =>
    world.socket.say({ type: "outcome", id, outcome: "failed", error: { code: "timeout" } });

  const first = await ask({ n: 1 });
  await fail(first);
  assert.deepEqual(world.live.commands.value, []);
  assert.equal(await ask({ n: 1 }), first);
  assert.equal(world.live.commands.value.length, 1);
  await fail(first);
  assert.deepEqual(token.value, [null, { code: "timeout" }]);

  const other = await ask({ n: 2 });
  assert.notEqual(other, first, "something else is another intent");
  await world.socket.say({ type: "outcome", id: other, outcome: "rejected", error: { code: "x" } });
  const next = await ask({ n: 2 });
  assert.notEqual(next, other, "what was rejected is over");
  await world.socket.say({ type: "outcome", id: next, outcome: "ok", seq: 1 });

  assert.equal(await ask({ n: 1 }), first, "also when something else came between");
  await world.socket.say({ type: "outcome", id: first, outcome: "ok", seq: 2 });
  assert.deepEqual(token.value, [null, null]);
  assert.notEqual(await ask({ n: 1 }), first, "once it is done it is over");
});

test("run: another user's failure is not retried", async () => {
  const world = await World.open({ hello: { user: "alice" } });
  const clicks = source();
  const token = Token(clicks);
  effect(() => {
    const [t] = token.value;
    if (t) world.live.run(t, "buy");
  });
  clicks.fire();
  await world.clock.pass(0);
  const [{ id }] = world.socket.take();
  await world.socket.say({ type: "outcome", id, outcome: "failed", error: { code: "timeout" } });
  await world.socket.drop();
  await world.clock.pass(1_000);
  await world.socket.hello({ user: "bob" });
  clicks.fire();
  await world.clock.pass(0);
  const [again] = world.socket.take().filter(({ type }) => type === "token");
  assert.notEqual(again.id, id);
});

test("run: interrupted leaves the token up", async () => {
  const { token, t, command, outcome } = await running();
  await outcome({ outcome: "interrupted" });
  assert.equal(token.value[0], t);
  assert.equal(command.state.value, "interrupted");
});

test("run: a service that nobody knows is an error of the token", async () => {
  const { token, outcome } = await running();
  const error = { code: "unknown_service" };
  await outcome({ outcome: "rejected", error });
  assert.deepEqual(token.value, [null, error]);
});

test("run: superseded spends the token without an error", async () => {
  const { token, command, outcome } = await running();
  command.cancel();
  await outcome({ outcome: "superseded" });
  assert.deepEqual(token.value, [null, null]);
});

test("run: a token runs once, however often an effect comes by", async () => {
  const { world, t, command } = await running();
  assert.equal(world.live.run(t, "toggle"), command);
  await world.clock.pass(0);
  assert.equal(world.socket.take().filter(({ type }) => type === "token").length, 1);
});

test("run: the token is spent though the effect that ran it has run again", async () => {
  const world = await World.open();
  const clicks = source();
  const token = Token(clicks);
  const other = signal(0);
  effect(() => {
    const [t] = token.value;
    other.value;
    if (t) world.live.run(t, "toggle");
  });
  clicks.fire();
  await world.clock.pass(0);
  other.value = 1;
  const [{ id }] = world.socket.take();
  await world.socket.say({ type: "outcome", id, outcome: "ok", seq: 1 });
  assert.deepEqual(token.value, [null, null]);
});

test("OnAll: ten messages in a row leave at once, in order, and each row goes with its own answer", async () => {
  const world = await World.open();
  const messages = source();
  const rows = OnAll(messages);
  effect(() => {
    for (const [t, text] of rows.value) world.live.run(t, "send", text);
  });
  const texts = Array.from({ length: 10 }, (_, i) => `message ${i}`);
  for (const text of texts) messages.fire(text);
  await world.clock.pass(0);
  const sent = world.socket.take();
  assert.deepEqual(sent.map(({ value }) => value), texts);
  for (const { id, value } of [...sent].reverse()) {
    assert.equal(rows.value.at(-1)[1], value);
    await world.socket.say({ type: "outcome", id, outcome: "ok", seq: 1 });
  }
  assert.deepEqual(rows.value, []);
});

test("spend: where nobody shows the error, the failed command stays in the list", async () => {
  const world = await World.open();
  const messages = source();
  const rows = OnAll(messages);
  messages.fire("hi");
  const [[t, event]] = rows.value;
  const command = spend(t, world.live.send("send", event));
  await world.clock.pass(0);
  await world.socket.say({ type: "outcome", id: command.id, outcome: "failed", error: { code: "timeout" } });
  assert.deepEqual(rows.value, []);
  assert.deepEqual(world.live.commands.value, [command]);
});
