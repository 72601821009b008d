import test from "node:test";
import assert from "node:assert/strict";
import { Clock, Locks, Storage, World, listen, turn } from "./fake.js";

const outcome = ({ id }, verdict, more) => ({ type: "outcome", id, outcome: verdict, ...more });

/** one browser: pages that share a clock and locks */
function browser() {
  return { clock: new Clock(), locks: new Locks(), storage: new Storage() };
}

test("pending commands of a previous page load are there, asked for, and finished", async () => {
  const shared = browser();
  const before = await World.open(shared);
  const first = before.live.send("send", { text: "a" });
  await turn();
  const failed = before.live.send("send", { text: "b" });
  await turn();
  await before.socket.say(outcome(failed, "failed", { error: { code: "timeout" } }));
  await before.leave();

  const after = new World(shared);
  await turn();
  const [a, b] = after.live.commands.value;
  assert.equal(after.live.commands.value.length, 2);
  assert.deepEqual([a.id, a.key, a.service, a.value, a.state.value], [first.id, first.key, "send", { text: "a" }, "pending"]);
  assert.deepEqual([b.state.value, b.error.code], ["failed", "timeout"]);
  assert.equal((await b.outcome).outcome, "failed");

  await after.socket.hello();
  assert.deepEqual(after.socket.take(), [{ type: "resume", ids: [first.id] }]);
  await after.socket.say(outcome(first, "unknown"));
  assert.deepEqual(after.socket.take(), [{ type: "token", id: first.id, service: "send", value: { text: "a" } }]);
  await after.socket.say(outcome(first, "ok"));
  assert.equal((await a.outcome).outcome, "ok");
  b.discard();
  await turn();
  assert.equal(shared.storage.length, 0);
});

test("what was never sent by the previous page is sent by this one", async () => {
  const shared = browser();
  const before = new World(shared);
  before.live.send("toggle");
  await before.leave();
  const after = await World.open(shared);
  assert.deepEqual(after.socket.take().map(({ type }) => type), ["token"]);
});

test("it survives a page that died without a word", async () => {
  const shared = browser();
  const before = await World.open(shared);
  before.live.send("toggle");
  await turn();
  // the browser frees the locks of a page that is gone
  const after = await World.open({ ...shared, locks: new Locks(), storage: shared.storage.copy() });
  assert.equal(after.live.commands.value.length, 1);
  assert.deepEqual(after.socket.take().map(({ type }) => type), ["resume"]);
});

test("a reload that overtakes the end of the old page waits for it", async () => {
  const shared = browser();
  const before = await World.open(shared);
  before.live.send("toggle");
  await turn();
  const after = await World.open({ ...shared, storage: shared.storage.view() });
  assert.deepEqual(after.live.commands.value, []);
  await shared.clock.pass(500);
  await before.leave();
  assert.equal(after.live.commands.value.length, 1);
  assert.deepEqual(after.socket.take().map(({ type }) => type), ["resume"]);
});

test("a duplicated tab does not send what the first tab sends", async () => {
  const shared = browser();
  const tab = await World.open(shared);
  await tab.socket.drop();
  const command = tab.live.send("toggle");
  await turn();

  const copy = await World.open({ ...shared, storage: shared.storage.copy() });
  await shared.clock.pass(5_000);
  assert.deepEqual(copy.live.commands.value, []);
  assert.deepEqual(copy.socket.take().filter(({ type }) => type !== "pong"), []);
  assert.equal(copy.storage.length, 0, "and forgets the copy");

  const own = copy.live.send("toggle");
  await turn();
  assert.notEqual(own.id, command.id);
  assert.deepEqual(copy.socket.take().map(({ id }) => id), [own.id]);
  await tab.socket.hello();
  assert.deepEqual(tab.socket.take().map(({ id }) => id), [command.id]);
});

test("two connections of one page leave each other's commands alone", async () => {
  const shared = browser();
  const one = await World.open(shared);
  one.live.send("toggle");
  await turn();
  const two = await World.open(shared);
  await shared.clock.pass(5_000);
  assert.deepEqual(two.live.commands.value, []);
  assert.equal(shared.storage.length, 1);
});

test("pages of different connections leave each other's commands alone", async () => {
  for (const url of ["/other", "/live?room=2", "wss://example.org/live"]) {
    const shared = browser();
    const one = await World.open(shared);
    one.live.send("toggle");
    await one.leave();
    const two = await World.open({ ...shared, url });
    assert.deepEqual(two.live.commands.value, []);
    assert.equal(shared.storage.length, 1);
  }
});

test("commands that are restored come before those of this page", async () => {
  const shared = browser();
  const before = new World(shared);
  const old = before.live.send("send", "old");
  await before.leave();
  shared.clock.time += 1000;
  const after = new World(shared);
  const fresh = after.live.send("send", "new");
  await turn();
  assert.deepEqual(after.live.commands.value.map(({ id }) => id), [old.id, fresh.id]);
});

test("the key of a command with a new id survives a reload", async () => {
  const shared = browser();
  const before = await World.open(shared);
  const command = before.live.send("send", "a");
  await turn();
  await before.socket.say(outcome(command, "rejected"));
  command.retry();
  await before.leave();
  const after = await World.open(shared);
  const [again] = after.live.commands.value;
  assert.equal(again.key, command.key);
  assert.equal(again.id, command.id);
  assert.notEqual(again.id, again.key);
});

test("a cancel survives a reload", async () => {
  const shared = browser();
  const before = await World.open(shared);
  const command = before.live.send("slow");
  await turn();
  await before.socket.drop();
  command.cancel();
  await before.leave();
  const after = await World.open(shared);
  await after.socket.say(outcome(command, "running"));
  assert.deepEqual(after.socket.take().map(({ type }) => type), ["resume", "cancel"]);
});

test("what is discarded does not come back after a reload", async () => {
  const shared = browser();
  const before = await World.open(shared);
  const command = before.live.send("slow");
  await turn();
  command.discard();
  await before.leave();
  const after = await World.open(shared);
  assert.deepEqual(after.live.commands.value, []);
  await after.socket.say(outcome(command, "unknown"));
  assert.deepEqual(after.socket.take().map(({ type }) => type), ["resume"]);
  await after.leave();
  assert.equal(shared.storage.length, 0);
});

test("a page that is shown again, after another took its commands, asks for them", async () => {
  const shared = browser();
  const page = await World.open(shared);
  await page.socket.drop();
  const command = page.live.send("toggle");
  await page.leave();

  const next = await World.open(shared);
  assert.deepEqual(next.socket.take().map(({ type }) => type), ["token"]);
  await next.socket.say(outcome(command, "ok"));
  await next.leave();

  await page.show();
  await page.socket.hello();
  assert.deepEqual(page.socket.take(), [{ type: "resume", ids: [command.id] }]);
  await page.socket.say(outcome(command, "ok"));
  assert.deepEqual(page.live.commands.value, []);
});

test("a page that is shown again goes on with what the next one has left", async () => {
  const shared = browser();
  const page = await World.open(shared);
  await page.leave();

  const next = await World.open({ ...shared, storage: shared.storage.view() });
  await next.socket.drop();
  const command = next.live.send("send", { text: "a" });
  await next.leave();

  await page.show();
  // a browser that sees it ask for the other's lock now would not keep the other
  assert.equal(shared.locks.held.size, 1, "its own");
  await shared.clock.pass(500);
  const [adopted] = page.live.commands.value;
  assert.deepEqual([adopted.id, adopted.restored], [command.id, true]);
  await page.socket.hello();
  assert.deepEqual(page.socket.take().map(({ type, id }) => [type, id]), [["token", command.id]]);
  await page.socket.say(outcome(command, "ok"));
  assert.equal((await adopted.outcome).outcome, "ok");
  assert.equal(shared.storage.length, 0);
  await page.leave();

  // it was in the browser's cache as well, and has not forgotten
  await next.show();
  await next.socket.hello();
  assert.deepEqual(next.socket.take(), [{ type: "resume", ids: [command.id] }]);
});

test("a page that is shown again before the next one has ended leaves it its commands", async () => {
  const shared = browser();
  const page = await World.open(shared);
  await page.leave();

  const next = await World.open({ ...shared, storage: shared.storage.view() });
  await next.socket.drop();
  const command = next.live.send("toggle");
  await turn();

  await page.show();
  await shared.clock.pass(5_000);
  assert.deepEqual(page.live.commands.value, []);
  await next.leave();

  const last = await World.open({ ...shared, storage: shared.storage.view() });
  assert.deepEqual(last.live.commands.value.map(({ id }) => id), [command.id]);
});

test("storage that holds nonsense is ignored", async () => {
  const shared = browser();
  shared.storage.setItem("token:ws://example.com/live:x", "nonsense");
  shared.storage.setItem("token:ws://example.com/live:y", '{"commands":[{"id":7}]}');
  shared.storage.setItem("token:ws://example.com/live:z", '{"commands":[{"id":"z","body":"}"}]}');
  shared.storage.setItem("other", "kept");
  const lines = await listen("error", () => World.open(shared));
  assert.equal(lines.length, 1);
  const world = await World.open({ ...shared, storage: shared.storage.view() });
  assert.deepEqual(world.live.commands.value, []);
  world.live.send("toggle");
  await turn();
  assert.equal(world.socket.take().length, 1);
  assert.equal(shared.storage.getItem("other"), "kept");
});

test("without locks the pages ask each other", async () => {
  const pages = new Set();
  class Channel {
    constructor(name) {
      this.name = name;
      pages.add(this);
    }
    postMessage(data) {
      for (const each of pages) {
        if (each !== this && each.name === this.name) queueMicrotask(() => each.onmessage?.({ data }));
      }
    }
    close() {
      pages.delete(this);
    }
  }
  const shared = { ...browser(), locks: null, BroadcastChannel: Channel };
  const tab = await World.open(shared);
  await shared.clock.pass(1_000);
  tab.live.send("toggle");
  await turn();
  const copy = await World.open({ ...shared, storage: shared.storage.copy() });
  await shared.clock.pass(1_000);
  assert.deepEqual(copy.live.commands.value, []);

  await tab.leave();
  const after = await World.open(shared);
  await shared.clock.pass(1_000);
  assert.equal(after.live.commands.value.length, 1);
});
