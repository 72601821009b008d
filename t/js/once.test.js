/**
 * A server in miniature, with a ledger and with faults, and a user who reloads:
 * whatever happens, everything that was asked for takes effect once.
 */

import test from "node:test";
import assert from "node:assert/strict";
import fc from "fast-check";
import { computed, effect, reconcileBy } from "../../html/token.js";
import { Clock, Locks, Storage, World, turn } from "./fake.js";

class Server {
  constructor() {
    this.ledger = new Map();
    this.log = [];
    this.running = new Map();
  }

  /** what the server says to `message`, `fate` deciding on faults */
  answer(message, fate) {
    const outcome = (outcome, more) => ({ type: "outcome", id: message.id, outcome, ...more });
    if (message.type === "watch") return this.watch(message);
    if (message.type === "resume") return message.ids.map((id) => this.resume(id));
    if (message.type !== "token") return [];

    const known = this.ledger.get(message.id);
    if (known) return [known];
    if (this.running.has(message.id)) return [];
    if (fate === "busy") return [outcome("busy", { retry: 100 })];
    if (fate === "failed") return [outcome("failed", { error: { code: "timeout" } })];
    if (fate === "slow") {
      this.running.set(message.id, message);
      return [];
    }
    return this.commit(message);
  }

  resume(id) {
    const outcome = this.running.has(id) ? "running" : "unknown";
    return this.ledger.get(id) ?? { type: "outcome", id, outcome };
  }

  commit({ id, value }) {
    const seq = this.log.length + 1;
    const record = { type: "record", channel: "chat", seq, token: id, user: "alice", time: 0, value };
    this.log.push(record);
    const ok = { type: "outcome", id, outcome: "ok", seq };
    this.ledger.set(id, ok);
    return [record, ok];
  }

  finish() {
    const messages = [...this.running.values()].flatMap((each) => this.commit(each));
    this.running.clear();
    return messages;
  }

  watch({ seq = 0 }) {
    const watching = { type: "watching", channel: "chat", kind: "log", epoch: "e", recovered: seq > 0, seq: this.log.length };
    return [watching, ...this.log.slice(seq)];
  }
}

const action = fc.oneof(
  { weight: 4, arbitrary: fc.constant({ do: "send" }) },
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constant("serve"),
      fates: fc.array(fc.constantFrom("ok", "ok", "busy", "failed", "slow"), { minLength: 1, maxLength: 5 }),
      lost: fc.boolean(),
    }),
  },
  fc.record({ do: fc.constant("drop") }),
  fc.record({ do: fc.constant("reload"), rude: fc.boolean() }),
  fc.record({ do: fc.constant("wait"), ms: fc.integer({ min: 1, max: 3000 }) }),
  fc.record({ do: fc.constant("finish") }),
  fc.record({ do: fc.constant("retry") }),
);

class Story {
  constructor() {
    this.server = new Server();
    this.clock = new Clock();
    this.storage = new Storage();
    this.locks = new Locks();
    this.sent = 0;
    this.twice = [];
    this.load();
  }

  load() {
    const { clock, locks } = this;
    this.world = new World({ clock, locks, storage: this.storage });
    const log = this.world.live.log("chat");
    const rows = computed(() => reconcileBy({ records: log, commands: this.world.live.commands }));
    effect(() => {
      const keys = rows.value.map(({ key }) => key);
      if (new Set(keys).size !== keys.length) this.twice.push(keys);
    });
    this.rows = rows;
    this.greeted = null;
  }

  /** a connection that wants to be open is */
  async greet() {
    const { socket } = this.world;
    if (socket.closed || this.greeted === socket) return;
    this.greeted = socket;
    await socket.hello({ limits: { message: 65536, depth: 32, inflight: 3, watches: 9 } });
  }

  async serve(fates = ["ok"], lost = false) {
    await this.greet();
    const { socket } = this.world;
    if (socket.closed) return;
    let i = 0;
    const said = socket.take().flatMap((each) => this.server.answer(each, fates[i++ % fates.length]));
    if (lost) await socket.drop();
    else await socket.say({ type: "pong" }, ...said);
  }

  async act(each) {
    const { world } = this;
    switch (each.do) {
      case "send":
        world.live.send("send", this.sent++);
        return turn();
      case "serve":
        return this.serve(each.fates, each.lost);
      case "drop":
        return world.socket.closed ? turn() : world.socket.drop();
      case "wait":
        return this.clock.pass(each.ms);
      case "retry":
        for (const command of world.live.commands.value) command.retry();
        return turn();
      case "finish": {
        const said = this.server.finish();
        if (this.greeted === world.socket && !world.socket.closed) await world.socket.say(...said);
        return turn();
      }
      default:
        return this.reload(each.rude);
    }
  }

  async reload(rude) {
    if (rude) {
      // no pagehide: the browser has killed it, and freed its locks
      this.world.socket.onmessage = this.world.socket.onclose = null;
      this.clock.timers.clear();
      this.storage = this.storage.copy();
      this.locks = new Locks();
    } else {
      await this.world.leave();
    }
    this.load();
    await turn();
  }

  /** everything works again, and the user retries what has failed */
  async end() {
    for (let i = 0; i < 60; i++) {
      await this.act({ do: "finish" });
      await this.act({ do: "retry" });
      await this.clock.pass(1000);
      await this.serve();
    }
  }
}

test("whatever happens, what was asked for takes effect once, and is shown once", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(action, { maxLength: 40 }), async (actions) => {
      const story = new Story();
      await turn();
      for (const each of actions) await story.act(each);
      await story.end();

      const values = story.server.log.map(({ value }) => value).sort((a, b) => a - b);
      assert.deepEqual(values, Array.from({ length: story.sent }, (_, i) => i));
      assert.deepEqual(story.world.live.commands.value, []);
      assert.equal(story.storage.length, 0);
      assert.equal(story.rows.value.length, story.sent);
      assert.deepEqual(story.twice, []);
    }),
    { numRuns: Number(process.env.RUNS ?? 150) },
  );
});
