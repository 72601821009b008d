import test from "node:test";
import assert from "node:assert/strict";
import { timeOf } from "../../html/token/id.js";
import { START, World, listen, turn } from "./fake.js";

const outcome = ({ id }, verdict, more) => ({ type: "outcome", id, outcome: verdict, ...more });

async function reconnect(world, hello) {
  await world.socket.drop();
  await world.clock.pass(1_000);
  await world.socket.hello(hello);
}

test("a command is pending, goes out once, and its outcome comes back", async () => {
  const world = await World.open();
  const command = world.live.send("send", { text: "hello" });
  assert.equal(command.state.value, "pending");
  assert.deepEqual(world.live.commands.value, [command]);
  await turn();
  assert.deepEqual(world.socket.take(), [
    { type: "token", id: command.id, service: "send", value: { text: "hello" } },
  ]);
  await world.socket.say(outcome(command, "ok", { seq: 12, result: [1] }));
  assert.equal(command.state.value, "ok");
  assert.deepEqual(world.live.commands.value, []);
  const answer = await command.outcome;
  assert.equal(answer.outcome, "ok");
  assert.equal(answer.seq, 12);
  assert.deepEqual(answer.result, [1]);
});

test("a value that is not given is not sent", async () => {
  const world = await World.open();
  const command = world.live.send("toggle");
  await turn();
  assert.deepEqual(world.socket.take(), [{ type: "token", id: command.id, service: "toggle" }]);
});

test("the value is that of the moment of sending", async () => {
  const world = await World.open();
  const value = { text: "a" };
  const command = world.live.send("send", value);
  value.text = "b";
  await turn();
  assert.equal(world.socket.take()[0].value.text, "a");
  assert.equal(command.value.text, "a");
});

test("a value that JSON cannot carry is the caller's error", async () => {
  const world = await World.open();
  const circle = {};
  circle.circle = circle;
  assert.throws(() => world.live.send("send", circle), TypeError);
  assert.deepEqual(world.live.commands.value, []);
});

test("a composite sends its requests as one", async () => {
  const world = await World.open();
  const command = world.live.send([{ service: "a", value: 1 }, { service: "b" }]);
  await turn();
  assert.deepEqual(world.socket.take(), [
    { type: "token", id: command.id, requests: [{ service: "a", value: 1 }, { service: "b" }] },
  ]);
  assert.equal(command.service, "a+b");
  assert.deepEqual(command.value, [1, undefined]);
});

test("the server's word on a user is on the command", async () => {
  const world = new World();
  const early = world.live.send("toggle");
  assert.equal(early.user, undefined);
  await world.socket.hello({ user: "alice" });
  assert.equal(early.user, "alice");
  assert.equal(world.live.send("toggle").user, "alice");
});

test("rejected stays until it is discarded, with its error", async () => {
  const world = await World.open();
  const command = world.live.send("put", 1);
  await turn();
  const error = { code: "version", message: "changed", version: 12 };
  await world.socket.say(outcome(command, "rejected", { error }));
  assert.equal(command.state.value, "rejected");
  assert.deepEqual(command.error, error);
  assert.deepEqual((await command.outcome).error, error);
  assert.deepEqual(world.live.commands.value, [command]);
  command.discard();
  assert.deepEqual(world.live.commands.value, []);
  await turn();
  assert.equal(world.storage.length, 0);
});

test("retry of failed sends the same id, and has a new outcome", async () => {
  const world = await World.open();
  const command = world.live.send("flaky");
  await turn();
  const [first] = world.socket.take();
  await world.socket.say(outcome(command, "failed", { error: { code: "service_failed" } }));
  assert.equal((await command.outcome).outcome, "failed");
  command.retry();
  assert.equal(command.state.value, "pending");
  assert.equal(command.error, null);
  await turn();
  assert.deepEqual(world.socket.take(), [first]);
  await world.socket.say(outcome(command, "ok"));
  assert.equal((await command.outcome).outcome, "ok");
});

test("retry of rejected and of interrupted takes a new id, and keeps the key", async () => {
  for (const verdict of ["rejected", "interrupted"]) {
    const world = await World.open();
    const command = world.live.send("purchase");
    const { id, key } = command;
    await turn();
    await world.socket.say(outcome(command, verdict, { error: { code: "bad_value" } }));
    world.socket.take();
    command.retry();
    await turn();
    const [message] = world.socket.take();
    assert.notEqual(message.id, id);
    assert.equal(message.id, command.id);
    assert.equal(command.key, key);
  }
});

test("retry of what is under way, or done, changes nothing", async () => {
  const world = await World.open();
  const command = world.live.send("toggle");
  await turn();
  command.retry();
  await turn();
  assert.equal(world.socket.take().length, 1);
  await world.socket.say(outcome(command, "ok"));
  command.retry();
  await turn();
  assert.equal(world.socket.take().length, 0);
  assert.equal(command.state.value, "ok");
});

test("busy is retried after the time that the server gives, and a little more", async () => {
  const world = await World.open();
  const command = world.live.send("search", "x");
  await turn();
  const [first] = world.socket.take();
  await world.socket.say(outcome(command, "busy", { retry: 1000 }));
  assert.equal(command.state.value, "pending");
  await world.clock.pass(999);
  assert.deepEqual(world.socket.take(), []);
  await world.clock.pass(251);
  assert.deepEqual(world.socket.take(), [first]);
});

test("busy: what comes after it in the same service waits, other services do not", async () => {
  const world = await World.open({ hello: { limits: { inflight: 1 } } });
  const a = world.live.send("search", "a");
  const b = world.live.send("search", "b");
  const c = world.live.send("toggle");
  await turn();
  const ids = () => world.socket.take().map(({ id }) => id);
  assert.deepEqual(ids(), [a.id]);
  await world.socket.say(outcome(a, "busy", { retry: 1000 }));
  assert.deepEqual(ids(), [c.id]);
  await world.socket.say(outcome(c, "ok"));
  await world.clock.pass(2000);
  assert.deepEqual(ids(), [a.id]);
  await world.socket.say(outcome(a, "ok"));
  assert.deepEqual(ids(), [b.id]);
});

test("no more than limits.inflight are under way, the rest follows in order", async () => {
  const world = await World.open({ hello: { limits: { inflight: 3 } } });
  const commands = Array.from({ length: 8 }, (_, i) => world.live.send("send", i));
  await turn();
  const sent = world.socket.take();
  assert.deepEqual(sent.map(({ value }) => value), [0, 1, 2]);
  await world.socket.say(outcome(commands[1], "ok"));
  await world.socket.say(outcome(commands[0], "rejected"), outcome(commands[2], "failed"));
  sent.push(...world.socket.take());
  assert.deepEqual(sent.map(({ value }) => value), [0, 1, 2, 3, 4, 5]);
  assert.equal(world.live.commands.value.length, 7);
});

test("after a reconnect it asks first, and sends again only what was never seen", async () => {
  const world = await World.open();
  const [a, b, c, d] = ["a", "b", "c", "d"].map((each) => world.live.send("send", each));
  await turn();
  await world.socket.say(outcome(d, "failed"));
  await reconnect(world);
  assert.deepEqual(world.socket.take(), [{ type: "resume", ids: [a.id, b.id, c.id] }]);
  await world.socket.say(outcome(a, "ok"), outcome(b, "running"), outcome(c, "unknown"));
  assert.deepEqual([a, b, c, d].map(({ state }) => state.value), ["ok", "running", "pending", "failed"]);
  assert.deepEqual(world.socket.take().map(({ id }) => id), [c.id]);
  await world.socket.say(outcome(b, "ok"), outcome(c, "ok"));
  assert.deepEqual(world.live.commands.value, [d]);
});

test("what was never sent is sent without asking", async () => {
  const world = await World.open();
  await world.socket.drop();
  const command = world.live.send("toggle");
  await world.clock.pass(1_000);
  await world.socket.hello();
  assert.deepEqual(world.socket.take().map(({ type }) => type), ["token"]);
  await world.socket.say(outcome(command, "busy", { retry: 60_000 }));
  await reconnect(world);
  assert.deepEqual(world.socket.take().map(({ type }) => type), ["token"], "busy: nothing was run");
});

test("after a reconnect the order within a service is kept", async () => {
  const world = await World.open();
  const a = world.live.send("send", "a");
  const b = world.live.send("send", "b");
  await turn();
  await world.socket.drop();
  const c = world.live.send("send", "c");
  await world.clock.pass(1_000);
  await world.socket.hello();
  const types = () => world.socket.take().map(({ type, value }) => value ?? type);
  assert.deepEqual(types(), ["resume"]);
  await world.socket.say(outcome(b, "unknown"));
  assert.deepEqual(types(), []);
  await world.socket.say(outcome(a, "unknown"));
  assert.deepEqual(types(), ["a", "b", "c"]);
  assert.ok(c.open);
});

test("a long resume is asked in parts", async () => {
  const world = await World.open({ hello: { limits: { inflight: 500 } } });
  for (let i = 0; i < 250; i++) world.live.send("send", i);
  await turn();
  await reconnect(world);
  const resumes = world.socket.take();
  assert.deepEqual(resumes.map(({ type, ids }) => [type, ids.length]), [["resume", 100], ["resume", 100], ["resume", 50]]);
});

test("an outcome that comes twice, or for nobody, changes nothing", async () => {
  const world = await World.open();
  const command = world.live.send("toggle");
  await turn();
  await world.socket.say(outcome(command, "rejected"), outcome(command, "ok"), outcome({ id: "x" }, "ok"));
  assert.equal(command.state.value, "rejected");
});

test("an error about a token is its rejection", async () => {
  const world = await World.open();
  const command = world.live.send("toggle");
  await turn();
  await world.socket.say({ type: "error", code: "bad_message", message: "no", id: command.id });
  assert.equal(command.state.value, "rejected");
  assert.equal(command.error.code, "bad_message");
});

test("what breaks the server's limits is refused here, and costs no connection", async () => {
  const world = await World.open({ hello: { limits: { message: 200, depth: 4, inflight: 9 } } });
  const large = world.live.send("send", "ß".repeat(100));
  const deep = world.live.send("send", [[[[1]]]]);
  const good = world.live.send("send", [[[1]]]);
  await turn();
  assert.deepEqual(world.socket.take().map(({ id }) => id), [good.id]);
  assert.equal(large.error.code, "too_large");
  assert.equal(deep.error.code, "bad_json");
  assert.equal((await large.outcome).outcome, "rejected");
});

test("cancel of what was sent asks the server, and its word counts", async () => {
  const world = await World.open();
  const a = world.live.send("slow");
  const b = world.live.send("slow");
  await turn();
  world.socket.take();
  a.cancel();
  b.cancel();
  await turn();
  assert.deepEqual(world.socket.take(), [{ type: "cancel", id: a.id }, { type: "cancel", id: b.id }]);
  assert.equal(a.state.value, "pending");
  await world.socket.say(outcome(a, "superseded"), outcome(b, "ok"));
  assert.equal(a.state.value, "superseded");
  assert.equal(b.state.value, "ok");
  assert.deepEqual(world.live.commands.value, []);
});

test("cancel of what was not sent is settled here", async () => {
  const world = await World.open();
  await world.socket.drop();
  const command = world.live.send("slow");
  await turn();
  command.cancel();
  assert.equal((await command.outcome).outcome, "superseded");
  await world.clock.pass(1_000);
  await world.socket.hello();
  assert.deepEqual(world.socket.take(), []);
});

test("a cancel without a connection is made good after the resume", async () => {
  const world = await World.open();
  const [seen, unseen, done] = [1, 2, 3].map((each) => world.live.send("slow", each));
  await turn();
  await world.socket.drop();
  for (const each of [seen, unseen, done]) each.cancel();
  await world.clock.pass(1_000);
  await world.socket.hello();
  assert.deepEqual(world.socket.take().map(({ type }) => type), ["resume"]);
  await world.socket.say(outcome(seen, "running"), outcome(unseen, "unknown"), outcome(done, "ok"));
  assert.deepEqual(world.socket.take(), [{ type: "cancel", id: seen.id }]);
  assert.equal(unseen.state.value, "superseded");
  assert.equal(done.state.value, "ok");
});

test("discard of what is under way hides it at once, and cancels it", async () => {
  const world = await World.open();
  const command = world.live.send("slow");
  await turn();
  world.socket.take();
  command.discard();
  assert.deepEqual(world.live.commands.value, []);
  await turn();
  assert.deepEqual(world.socket.take(), [{ type: "cancel", id: command.id }]);
  await world.socket.say(outcome(command, "failed"));
  assert.deepEqual(world.live.commands.value, []);
  assert.equal(world.storage.length, 0);
});

test("a full storage loses nothing while the page lives", async () => {
  const storage = new World({}).storage;
  storage.full = true;
  const lines = await listen("warn", async () => {
    const world = await World.open({ storage });
    const command = world.live.send("toggle");
    world.live.send("toggle");
    await turn();
    assert.equal(world.socket.take().length, 2);
    await world.socket.say(outcome(command, "ok"));
    assert.equal(command.state.value, "ok");
  });
  assert.equal(lines.length, 1, "it says so, once");
});

test("it works without a storage", async () => {
  const world = await World.open({ storage: null });
  world.live.send("toggle");
  await turn();
  assert.equal(world.socket.take().length, 1);
});

test("ids made with a wrong clock are made anew before they are sent", async () => {
  for (const off of [-30 * 86_400_000, 3_600_000]) {
    const world = new World();
    const command = world.live.send("toggle");
    const { id, key } = command;
    await turn();
    await world.socket.hello({ time: START - off });
    const [message] = world.socket.take();
    assert.notEqual(message.id, id);
    assert.equal(timeOf(message.id), START - off);
    assert.equal(command.id, message.id);
    assert.equal(command.key, key);
    assert.equal(command.value, undefined);
  }
});

test("an id that may have been seen is never made anew", async () => {
  const world = await World.open();
  const command = world.live.send("toggle");
  const { id } = command;
  await turn();
  await world.socket.drop();
  await world.clock.pass(1_000);
  await world.socket.hello({ time: START + 30 * 86_400_000 });
  await world.socket.say(outcome(command, "unknown"));
  const messages = world.socket.take();
  assert.deepEqual(messages.at(-1).id, id);
});

test("what alice has asked for is not done in bob's name", async () => {
  const world = await World.open();
  const command = world.live.send("send", "I am alice");
  await turn();
  await reconnect(world, { user: "bob" });
  assert.deepEqual(world.socket.take(), []);
  assert.equal(command.state.value, "failed");
  assert.equal(command.error.code, "user_changed");
  await reconnect(world, { user: "alice" });
  command.retry();
  await turn();
  assert.deepEqual(world.socket.take().map(({ type, id }) => [type, id]), [["token", command.id]]);
});

test("what nobody in particular has asked for goes on after a login", async () => {
  const world = await World.open({ hello: { user: null } });
  const command = world.live.send("toggle");
  await turn();
  await reconnect(world, { user: "alice" });
  assert.deepEqual(world.socket.take(), [{ type: "resume", ids: [command.id] }]);
});

test("a thousand commands at once all go, in order", async () => {
  const world = await World.open();
  const commands = Array.from({ length: 1000 }, (_, i) => world.live.send("send", i));
  const seen = [];
  await turn();
  for (let round = 0; round < 40; round++) {
    const messages = world.socket.take();
    seen.push(...messages.map(({ value }) => value));
    await world.socket.say(...messages.map((message) => outcome(message, "ok")), { type: "pong" });
  }
  assert.deepEqual(seen, commands.map((_, i) => i));
  assert.deepEqual(world.live.commands.value, []);
});
