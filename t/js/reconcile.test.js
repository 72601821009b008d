import test from "node:test";
import assert from "node:assert/strict";
import fc from "fast-check";
import { computed, effect, reconcileBy } from "../../html/token.js";
import { World, turn } from "./fake.js";

const record = (seq, token, value) => ({ seq, token, user: "alice", time: seq, value });
const text = (rows) => rows.map(([{ value }, command]) => (command ? `(${value})` : value));

test("records are sorted, and commands come after them in order of submission", async () => {
  const { live } = await World.open();
  live.send("send", "c");
  live.send("send", "d");
  const records = [record(2, "y", "b"), record(1, "x", "a")];
  assert.deepEqual(text(reconcileBy({ records, commands: live.commands })), ["a", "b", "(c)", "(d)"]);
});

test("a command looks like the record that it will be", async () => {
  const { live } = await World.open();
  const command = live.send("send", { text: "hi" });
  const [[row, its]] = reconcileBy({ records: [], commands: [command] });
  assert.deepEqual(row, {
    seq: undefined, token: command.id, user: "alice", time: command.time, value: { text: "hi" },
  });
  assert.equal(its, command);
});

test("the record replaces its command, in place, before the outcome is known", async () => {
  const { live } = await World.open();
  const command = live.send("send", "b");
  const before = reconcileBy({ records: [record(1, "x", "a")], commands: live.commands });
  const after = reconcileBy({
    records: [record(1, "x", "a"), record(2, command.id, "b")], commands: live.commands,
  });
  assert.deepEqual(text(before), ["a", "(b)"]);
  assert.deepEqual(text(after), ["a", "b"]);
  assert.deepEqual(before.map(({ key }) => key), after.map(({ key }) => key));
});

test("two records of one token have keys of their own", () => {
  const rows = reconcileBy({ records: [record(1, "x", "a"), record(2, "x", "b")], commands: [] });
  assert.equal(new Set(rows.map(({ key }) => key)).size, 2);
});

test("identity, order and appearance can be given", async () => {
  const { live } = await World.open();
  live.send("rename", { name: "bob" });
  const rows = reconcileBy({
    records: [{ name: "zoe", age: 1 }, { name: "bob", age: 2 }],
    commands: live.commands,
    identify: ({ name }) => name,
    sortKey: ({ name }) => name,
    optimistic: (command) => ({ name: command.value.name, age: 0 }),
  });
  assert.deepEqual(rows.map(([{ name }, command]) => [name, command]), [["bob", null], ["zoe", null]]);
});

/** a chat, the way a page shows it */
async function chat() {
  const world = await World.open();
  const log = world.live.log("chat");
  const rows = computed(() => reconcileBy({ records: log, commands: world.live.commands }));
  const seen = [];
  effect(() => {
    const shown = text(rows.value).join(" ");
    if (shown !== seen.at(-1)) seen.push(shown);
  });
  await world.socket.say({
    type: "watching", channel: "chat", kind: "log", epoch: "e", seq: 0, recovered: false,
  });
  const appended = (seq, id, value) => ({ type: "record", channel: "chat", ...record(seq, id, value) });
  return { world, rows, seen, appended };
}

test("record and ok in one frame: the row is never missing and never double", async () => {
  const { world, rows, seen, appended } = await chat();
  const command = world.live.send("send", "hi");
  await turn();
  const [{ key }] = rows.value;
  await world.socket.say(appended(1, command.id, "hi"), {
    type: "outcome", id: command.id, outcome: "ok", seq: 1,
  });
  assert.deepEqual(seen, ["", "(hi)", "hi"]);
  assert.equal(rows.value[0].key, key);
});

test("record and ok in two frames: likewise", async () => {
  const { world, seen, appended } = await chat();
  const command = world.live.send("send", "hi");
  await turn();
  await world.socket.say(appended(1, command.id, "hi"));
  await world.socket.say({ type: "outcome", id: command.id, outcome: "ok", seq: 1 });
  assert.deepEqual(seen, ["", "(hi)", "hi"]);
});

test("a failed one stays, a discarded one falls out", async () => {
  const { world, rows } = await chat();
  const command = world.live.send("send", "hi");
  await turn();
  await world.socket.say({ type: "outcome", id: command.id, outcome: "failed" });
  assert.deepEqual(text(rows.value), ["(hi)"]);
  command.discard();
  assert.deepEqual(rows.value, []);
});

test("the key survives a retry that needs a new id", async () => {
  const { world, rows, appended } = await chat();
  const command = world.live.send("send", "hi");
  await turn();
  const [{ key }] = rows.value;
  await world.socket.say({ type: "outcome", id: command.id, outcome: "rejected", error: { code: "bad_value" } });
  command.retry();
  await turn();
  assert.notEqual(command.id, key);
  assert.equal(rows.value[0].key, key);
  await world.socket.say(appended(1, command.id, "hi"), {
    type: "outcome", id: command.id, outcome: "ok", seq: 1,
  });
  assert.deepEqual(text(rows.value), ["hi"]);
  assert.equal(rows.value[0].key, key);
});

test("whatever arrives in whatever order: each intent is there once, records first", () => {
  const intents = fc.uniqueArray(fc.nat(20), { maxLength: 10 });
  fc.assert(
    fc.property(intents, intents, (arrived, pending) => {
      const records = arrived.map((n, i) => record(i, `t${n}`, n));
      const commands = pending.map((n) => ({ id: `t${n}`, key: `t${n}`, value: n }));
      const rows = reconcileBy({ records, commands });
      const keys = rows.map(({ key }) => key);
      assert.equal(new Set(keys).size, keys.length);
      assert.deepEqual(new Set(keys), new Set([...arrived, ...pending].map((n) => `t${n}`)));
      const marks = rows.map(([, command]) => command !== null);
      assert.deepEqual(marks, [...marks].sort());
    }),
  );
});
