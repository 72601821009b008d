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

test("a retry of what the server has done already is the same record", async () => {
  const { world, rows, seen, appended } = await chat();
  const command = world.live.send("send", "hi");
  await turn();
  await world.socket.say({ type: "outcome", id: command.id, outcome: "failed", error: { code: "timeout" } });
  const { id, key } = command;
  command.retry();
  await turn();
  assert.equal(command.id, id);
  await world.socket.say(appended(1, id, "hi"), { type: "outcome", id, outcome: "ok", seq: 1 });
  assert.deepEqual(rows.value.map((row) => row.key), [key]);
  assert.deepEqual(seen, ["", "(hi)", "hi"]);
});

/** what may become of an intent, from the moment it was sent */
const fate = fc.oneof(
  { weight: 3, arbitrary: fc.record({ do: fc.constant("send") }) },
  fc.record({ do: fc.constant("other"), twice: fc.boolean() }),
  { weight: 4, arbitrary: fc.record({ do: fc.constantFrom("record", "answer", "discard"), which: fc.nat(9) }) },
  fc.record({ do: fc.constant("shuffle") }),
);

test("whatever arrives in whatever order: each intent is there once, in its place, and does not flicker", () => {
  fc.assert(
    fc.property(fc.array(fate, { maxLength: 40, size: "max" }), (steps) => {
      let records = [];
      let commands = [];
      let last = 0;
      let before = [];
      const append = (token) => records.push(record(records.length, token, token));
      const isRecord = ({ id }) => records.some(({ token }) => token === id);

      for (const { do: what, which, twice } of steps) {
        const gone = new Set();
        const id = `t${++last}`;
        const open = commands.filter((each) => !isRecord(each));
        const command = open[which % open.length];
        if (what === "send") commands.push({ id, key: id, value: id });
        if (what === "other") for (let i = 0; i <= Number(twice); i++) append(id);
        if (what === "record" && command) append(command.id);
        // an ok comes when the record is here
        if (what === "answer") commands = commands.filter((each) => !isRecord(each));
        if (what === "discard" && command) {
          gone.add(command.key);
          commands = commands.filter((each) => each !== command);
        }
        // the order in which records come says nothing: their number does
        if (what === "shuffle") records = [...records].reverse();

        const rows = reconcileBy({ records, commands });
        const keys = rows.map(({ key }) => key);
        // each intent has a row, and each row a key of its own
        assert.equal(new Set(keys).size, keys.length);
        const pending = commands.filter((each) => !isRecord(each));
        assert.equal(rows.length, records.length + pending.length);
        // records first, by number; then what has none yet, in order of submission
        const numbers = rows.flatMap(([{ seq }]) => (seq === undefined ? [] : [seq]));
        assert.deepEqual(numbers, records.map(({ seq }) => seq).sort((a, b) => a - b));
        assert.deepEqual(rows.slice(records.length).map(([, its]) => its), pending);
        assert.ok(rows.slice(0, records.length).every(([, its]) => its === null));
        // a row that was there is there, unless it was discarded
        for (const key of before) assert.equal(keys.includes(key), !gone.has(key));
        before = keys;
      }
    }),
  );
});
