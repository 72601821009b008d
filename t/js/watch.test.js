import test from "node:test";
import assert from "node:assert/strict";
import { effect } from "../../html/token.js";
import { World, turn } from "./fake.js";

const watching = (channel, more) => ({
  type: "watching", channel, epoch: "9f3c", seq: 10, recovered: false, ...more,
});
const record = (seq, more) => ({
  type: "record", channel: "chat", seq, token: `t${seq}`, user: "alice", time: seq, value: `v${seq}`, ...more,
});
const values = (log) => log.value.map(({ value }) => value);

/** the connection drops, and comes back */
async function reconnect(world, hello) {
  await world.socket.drop();
  await world.clock.pass(1_000);
  await world.socket.hello(hello);
}

test("a first watch has no cursor", async () => {
  const world = await World.open();
  world.live.atom("switch");
  world.live.log("chat", { last: 50 });
  await turn();
  assert.deepEqual(world.socket.take(), [
    { type: "watch", channel: "switch" },
    { type: "watch", channel: "chat", last: 50 },
  ]);
});

test("the same name gives the same object, and one watch", async () => {
  const world = await World.open();
  assert.equal(world.live.atom("switch"), world.live.atom("switch"));
  assert.throws(() => world.live.log("switch"), /another kind/);
  await turn();
  assert.equal(world.socket.take().length, 1);
});

test("an atom is undefined until it is known, then has value and version", async () => {
  const world = await World.open();
  const atom = world.live.atom("switch");
  assert.equal(atom.value, undefined);
  assert.equal(atom.seq, undefined);
  assert.equal(atom.synced.value, false);
  await world.socket.say(watching("switch"), { type: "atom", channel: "switch", seq: 0, value: false });
  assert.equal(atom.value, false);
  assert.equal(atom.seq, 0);
  assert.equal(atom.synced.value, true);
  await world.socket.say({ type: "atom", channel: "switch", seq: 11, deleted: true });
  assert.equal(atom.value, undefined);
  assert.equal(atom.seq, 11);
});

test("an atom does not go back to an older version", async () => {
  const world = await World.open();
  const atom = world.live.atom("switch");
  await world.socket.say(watching("switch"), { type: "atom", channel: "switch", seq: 5, value: "new" });
  await world.socket.say({ type: "atom", channel: "switch", seq: 4, value: "old" });
  assert.equal(atom.value, "new");
});

test("after a reconnect the watch goes on from its cursor", async () => {
  const world = await World.open();
  const atom = world.live.atom("switch");
  const log = world.live.log("chat", { last: 2 });
  await world.socket.say(
    watching("switch"), { type: "atom", channel: "switch", seq: 7, value: true },
    watching("chat"), record(8), record(10),
  );
  await world.socket.drop();
  assert.equal(atom.synced.value, false);
  assert.equal(atom.value, true, "the last value stays");
  await world.clock.pass(1_000);
  await world.socket.hello();
  assert.deepEqual(world.socket.take(), [
    { type: "watch", channel: "switch", epoch: "9f3c", seq: 7 },
    { type: "watch", channel: "chat", epoch: "9f3c", seq: 10, last: 2 },
  ]);
  await world.socket.say(
    watching("switch", { recovered: true }), watching("chat", { recovered: true, seq: 11 }), record(11),
  );
  assert.equal(atom.synced.value, true);
  assert.deepEqual(values(log), ["v10", "v11"]);
});

test("a cursor holds with no events at all, and again and again", async () => {
  const world = await World.open();
  const log = world.live.log("chat");
  await world.socket.say(watching("chat", { seq: 10 }), { type: "synced", channel: "chat", seq: 10 });
  assert.equal(log.synced.value, true);
  for (let i = 0; i < 3; i++) {
    await reconnect(world);
    assert.deepEqual(world.socket.take(), [{ type: "watch", channel: "chat", epoch: "9f3c", seq: 10 }]);
    await world.socket.say(watching("chat", { recovered: true, seq: 10 }));
  }
  assert.equal(log.synced.value, true);
});

test("a log drops what it has already", async () => {
  const world = await World.open();
  const log = world.live.log("chat");
  await world.socket.say(watching("chat"), record(9), record(10), record(10), record(9), record(11));
  assert.deepEqual(values(log), ["v9", "v10", "v11"]);
  assert.deepEqual(log.value[0], { seq: 9, token: "t9", user: "alice", time: 9, value: "v9" });
});

test("a log is synced with its last record, or with synced", async () => {
  for (const end of [record(10), { type: "synced", channel: "chat", seq: 10 }]) {
    const world = await World.open();
    const log = world.live.log("chat");
    await world.socket.say(watching("chat"), record(4));
    assert.equal(log.synced.value, false);
    await world.socket.say(end);
    assert.equal(log.synced.value, true);
  }
});

test("a reset replaces what is shown at once, not piece by piece", async () => {
  const world = await World.open();
  const log = world.live.log("chat");
  await world.socket.say(watching("chat"), record(9), record(10));
  const seen = [];
  effect(() => void seen.push(values(log).join()));
  await reconnect(world, { epoch: "new" });
  await world.socket.say(watching("chat", { epoch: "new", seq: 3, reset: "epoch" }));
  await world.socket.say(record(2));
  await world.socket.say(record(3));
  assert.deepEqual(seen, ["v9,v10", "v2,v3"]);
  await reconnect(world, { epoch: "new" });
  assert.deepEqual(world.socket.take(), [{ type: "watch", channel: "chat", epoch: "new", seq: 3 }]);
});

test("a log that lost its connection in the middle of a reset is right in the end", async () => {
  const world = await World.open();
  const log = world.live.log("chat");
  await world.socket.say(watching("chat"), record(10));
  await reconnect(world);
  world.socket.take();
  await world.socket.say(watching("chat", { seq: 90, reset: "retention" }), record(80));
  await reconnect(world);
  assert.deepEqual(world.socket.take(), [{ type: "watch", channel: "chat", epoch: "9f3c", seq: 80 }]);
  await world.socket.say(watching("chat", { seq: 90, recovered: true }), record(90));
  assert.deepEqual(values(log), ["v80", "v90"]);
});

test("a family is a map of its atoms, and ignores older states", async () => {
  const world = await World.open();
  const votes = world.live.family("votes/*");
  const atom = (channel, seq, more) => ({ type: "atom", channel, watch: "votes/*", seq, ...more });
  const first = votes.value;
  await world.socket.say(watching("votes/*"), atom("votes/7", 12, { value: 3 }), atom("votes/7", 9, { value: 2 }));
  assert.equal(votes.synced.value, false);
  await world.socket.say(atom("votes/8", 4, { value: 1 }), { type: "synced", channel: "votes/*", seq: 10 });
  assert.equal(votes.synced.value, true);
  assert.deepEqual([...votes.value], [["votes/7", 3], ["votes/8", 1]]);
  assert.equal(first.size, 0, "a value that was given out does not change");
  await world.socket.say(atom("votes/7", 13, { deleted: true }), atom("votes/7", 12, { value: 3 }));
  assert.deepEqual([...votes.value], [["votes/8", 1]]);
  await reconnect(world);
  assert.deepEqual(world.socket.take(), [{ type: "watch", channel: "votes/*", epoch: "9f3c", seq: 13 }]);
});

test("a family that never had its whole snapshot asks for it again", async () => {
  const world = await World.open();
  world.live.family("votes/*");
  await world.socket.say(watching("votes/*"), { type: "atom", channel: "votes/7", watch: "votes/*", seq: 9, value: 1 });
  await reconnect(world);
  assert.deepEqual(world.socket.take(), [{ type: "watch", channel: "votes/*" }]);
});

test("an atom of a family can be watched by itself too", async () => {
  const world = await World.open();
  const votes = world.live.family("votes/*");
  const one = world.live.atom("votes/7");
  await world.socket.say(
    watching("votes/*"), watching("votes/7"),
    { type: "atom", channel: "votes/7", watch: "votes/*", seq: 1, value: "family" },
    { type: "atom", channel: "votes/7", seq: 1, value: "atom" },
  );
  assert.equal(votes.value.get("votes/7"), "family");
  assert.equal(one.value, "atom");
});

test("presence counts people and sessions", async () => {
  const world = await World.open();
  const room = world.live.presence("room");
  assert.deepEqual(room.value, { users: [], anonymous: 0, count: 0, sessions: 0 });
  await world.socket.say(watching("room"), {
    type: "presence", channel: "room", users: [{ user: "alice", tabs: 2 }, { user: "bob", tabs: 1 }], anonymous: 1,
  });
  assert.equal(room.value.count, 3);
  assert.equal(room.value.sessions, 4);
  await reconnect(world);
  assert.deepEqual(world.socket.take(), [{ type: "watch", channel: "room" }]);
});

test("a refused channel says why", async () => {
  const world = await World.open();
  const atom = world.live.atom("nope");
  await world.socket.say({ type: "error", code: "unknown_channel", message: "no such channel", channel: "nope" });
  assert.deepEqual(atom.error.value, { code: "unknown_channel", message: "no such channel" });
});

test("what an ended watch still brings is not taken for the next one's", async () => {
  const world = await World.open();
  const old = world.live.log("chat");
  await world.socket.say(watching("chat"), record(10));
  old.unwatch();
  const fresh = world.live.log("chat");
  assert.notEqual(fresh, old);
  await turn();
  assert.deepEqual(world.socket.take().map(({ type }) => type), ["watch", "unwatch", "watch"]);
  await world.socket.say(record(11), { type: "unwatched", channel: "chat" }, watching("chat"), record(10));
  assert.deepEqual(values(fresh), ["v10"]);
  assert.deepEqual(values(old), ["v10"]);
  await reconnect(world);
  assert.equal(world.socket.take().length, 1);
});

test("a reset in the middle of a session is one change as well", async () => {
  const world = await World.open();
  const log = world.live.log("chat");
  await world.socket.say(watching("chat"), record(10));
  const seen = [];
  effect(() => void seen.push(values(log).join()));
  await world.socket.say(watching("chat", { seq: 99, reset: "retention" }));
  assert.equal(log.synced.value, false);
  await world.socket.say(record(98), record(99));
  assert.deepEqual(seen, ["v10", "v98,v99"]);
});

test("messages cost no more than their frame: a log is copied once for many records", async () => {
  const world = await World.open();
  const log = world.live.log("chat");
  await world.socket.say(watching("chat", { seq: 0 }));
  let changes = 0;
  effect(() => {
    changes++;
    return void log.value;
  });
  await world.socket.say(...Array.from({ length: 1000 }, (_, i) => record(i + 1)));
  assert.equal(changes, 2);
  assert.equal(log.value.length, 1000);
});
