// @ts-check
/** The checker finds what is wrong in histories that are made by hand. */

import assert from "node:assert/strict";
import { describe, it } from "node:test";

import { check } from "./checker.mjs";
import { merge } from "./model.mjs";
import { unexcused } from "./nginx.mjs";
import { plan } from "./plan.mjs";
import { Random } from "./random.mjs";
import { EPOCH, Story, add, finds, record } from "./story.mjs";

describe("tokens", () => {
  it("a good history is good", () => {
    assert.deepEqual(check(new Story().end().events), []);
  });

  it("an ok without an effect is lost", () => {
    const s = new Story();
    s.ask("c0", 1, add("c", 1)).ok("c0", 1, "c", 6);
    finds(s.end(), "lost");
  });

  it("an effect twice is doubled", () => {
    const s = new Story();
    const twice = s.toggle(5, "a", false);
    s.change("c0", 1, twice);
    finds(s.end([...s.toggle(1), ...s.add("b", 3, 5), ...twice]), "doubled");
  });

  for (const outcome of ["rejected", "superseded", "failed"]) {
    it(`an effect of what was ${outcome} is a ghost`, () => {
      const s = new Story().without({ type: "outcome", id: "b" });
      const code = outcome === "failed" ? "service_failed" : "not_number";
      s.told("c0", 1, { type: "outcome", id: "b", outcome, error: { code } });
      finds(s.end(), "ghost");
    });
  }

  it("an effect that nobody asked for is a ghost", () => {
    const s = new Story();
    const other = s.toggle(5, "z", false);
    s.change("c0", 1, other);
    finds(s.end([...s.toggle(1), ...s.add("b", 3, 5), ...other]), "ghost");
  });

  it("an effect with another value is foreign", () => {
    const s = new Story();
    finds(s.end([...s.toggle(1), ...s.add("b", 3, 6)]), "foreign");
  });

  it("a change that no record accounts for is a hole", () => {
    const s = new Story();
    finds(s.end([...s.toggle(1), ...s.add("b", 4, 5)]), "hole");
  });

  it("effects that are not together are torn", () => {
    const requests = [add("t", 1), add("t", 2)];
    const s = new Story().ask("c0", 1, { type: "token", id: "t", requests });
    const other = s.toggle(7, "z", false);
    const torn = [...s.add("t", 5, 6), ...other, ...s.add("t", 9, 8)];
    torn[1] = record(6, "t", { op: "add", value: { key: "x", n: 1 } });
    torn[5] = record(10, "t", { op: "add", value: { key: "x", n: 2 } });
    s.ask("c0", 1, { type: "token", id: "z", service: "toggle" });
    s.change("c0", 1, torn).ok("c0", 1, "z", 8).ok("c0", 1, "t", 10);
    const all = [...s.toggle(1), ...s.add("b", 3, 5), ...torn];
    assert.deepEqual(s.end(all).codes(), ["torn"]);
  });

  it("a put at another version breaks the model", () => {
    const s = new Story();
    const value = { value: 1, version: 2 };
    s.ask("c0", 1, { type: "token", id: "p", service: "put", value });
    const put = [
      { type: "atom", channel: "cas", seq: 5, value: 1 },
      record(6, "p", { op: "put", value }),
    ];
    s.change("c0", 1, put).ok("c0", 1, "p", 6);
    finds(s.end([...s.toggle(1), ...s.add("b", 3, 5), ...put]), "model");
  });

  it("a token without an outcome is unresolved", () => {
    const s = new Story().without({ type: "outcome", id: "a" });
    finds(s.end(), "unresolved");
  });

  it("another answer to the same id has changed", () => {
    finds(new Story().ok("c0", 1, "a", 3).end(), "changed");
  });

  it("unknown, after the outcome, is forgotten", () => {
    const s = new Story().ask("c0", 1, { type: "resume", ids: ["a"] });
    s.told("c0", 1, { type: "outcome", id: "a", outcome: "unknown" });
    finds(s.end(), "forgotten");
  });

  it("a refusal that the request gives no reason for is noticed", () => {
    const s = new Story().ask("c0", 1, add("c", 1));
    const error = { code: "not_number" };
    s.told("c0", 1, { type: "outcome", id: "c", outcome: "rejected", error });
    finds(s.end(), "rejected");
  });

  it("a put that is refused by an old version is stale", () => {
    const s = new Story();
    const put = [
      { type: "atom", channel: "cas", seq: 5, value: 1 },
      record(6, "p", { op: "put", value: { value: 1, version: 0 } }),
    ];
    const ask = { type: "token", service: "put" };
    s.ask("c0", 1, { ...ask, id: "p", value: { value: 1, version: 0 } });
    s.change("c0", 1, put).ok("c0", 1, "p", 6);
    s.ask("c0", 1, { ...ask, id: "q", value: { value: 2, version: 5 } });
    const error = { code: "version", version: 0 };
    s.told("c0", 1, { type: "outcome", id: "q", outcome: "rejected", error });
    finds(s.end([...s.toggle(1), ...s.add("b", 3, 5), ...put]), "stale");
  });

  it("an effect before it was asked for is stale", () => {
    const s = new Story().ask("c0", 1, add("c", 1));
    const early = [...s.add("c", 1, 1), ...s.toggle(3), ...s.add("b", 5, 6)];
    finds(s.end(early), "stale");
  });
});

describe("watches", () => {
  it("a missing record is a gap", () => {
    finds(new Story().without({ type: "record", seq: 2 }).end(), "gap");
  });

  it("a snapshot that ends too early is a gap", () => {
    const s = new Story().end();
    s.open("c1", 2).ask("c1", 2, { type: "watch", channel: "history" });
    const channel = "history";
    s.told("c1", 2, {
      type: "watching",
      channel,
      kind: "log",
      recovered: false,
    });
    finds(s.told("c1", 2, { type: "synced", channel, seq: 4 }), "gap");
  });

  it("a record again is out of order, also after a reconnect", () => {
    const s = new Story().open("c0", 2);
    s.watch("c0", 2, { history: 2, "n/*": 3, switch: 1 });
    s.told("c0", 2, s.add("b", 3, 5)[1]);
    finds(s.end(), "order");
  });

  it("an old version of an atom is out of order", () => {
    const s = new Story();
    s.told("c0", 1, { type: "atom", channel: "switch", seq: 0, value: false });
    finds(s.end(), "order");
  });

  it("a value that the store never had is foreign", () => {
    const s = new Story();
    s.told("c0", 1, { type: "atom", channel: "switch", seq: 3, value: true });
    finds(s.end(), "foreign");
  });

  it("an ok before the record is late", () => {
    const s = new Story().without({ type: "record", seq: 4 });
    s.told("c0", 1, s.add("b", 3, 5)[1]);
    assert.deepEqual(s.end().codes(), ["late"]);
  });

  it("an ok before the atom is late", () => {
    const s = new Story().without({ type: "atom", seq: 1 });
    s.told("c0", 1, s.toggle(1)[0]);
    assert.deepEqual(s.end().codes(), ["late"]);
  });

  it("who has not seen the end is behind", () => {
    const s = new Story();
    s.without({ type: "record", seq: 4 }).without({ type: "atom", seq: 3 });
    finds(s.end(), "behind");
  });

  it("a snapshot after a cursor must be announced", () => {
    const s = new Story().open("c0", 2);
    const channel = "history";
    s.ask("c0", 2, { type: "watch", channel, epoch: EPOCH, seq: 4 });
    s.told("c0", 2, {
      type: "watching",
      channel,
      kind: "log",
      recovered: false,
    });
    finds(s.end(), "reset");
  });

  it("a reset needs a reason", () => {
    const s = new Story().open("c0", 2);
    const channel = "history";
    const reset = "retention";
    s.ask("c0", 2, { type: "watch", channel, epoch: EPOCH, seq: 4 });
    s.told("c0", 2, {
      type: "watching",
      channel,
      kind: "log",
      recovered: false,
      reset,
    });
    finds(s.end(), "reset");
  });

  it("wrong presence is seen", () => {
    const presence = { users: [], anonymous: 0 };
    const s = new Story();
    s.told("c0", 1, { type: "presence", users: [], anonymous: 1 });
    s.push("harness", 0, "expect", { presence, who: ["c0"] });
    finds(s.end(), "presence");
  });
});

describe("the rest", () => {
  it("two reads that differ are two stores", () => {
    const s = new Story().end();
    s.events.pop();
    finds(s, "store");
  });

  it("no read at the end is no proof", () => {
    assert.deepEqual(new Story().codes(), ["store"]);
  });

  it("what nginx has to say is a complaint", () => {
    const s = new Story().end();
    s.push("harness", 0, "expect", { log: ["[alert]"], process: ["stays"] });
    assert.deepEqual(s.codes(), ["log", "process"]);
  });

  it("bad close codes and broken rules are seen", () => {
    const lost = new Story().end();
    lost.push("c0", 1, "lost", { code: 1011, reason: "", left: false });
    finds(lost, "protocol");

    const breach = new Story().end();
    finds(breach.push("c0", 1, "breach", { text: "mask" }), "protocol");
  });

  it("a patch is merged as RFC 7396 says", () => {
    const target = { a: { b: 1, c: 2 }, d: [1] };
    const patch = { a: { b: null, e: { f: null } }, d: { g: 1 } };
    assert.deepEqual(merge(target, patch), { a: { c: 2, e: {} }, d: { g: 1 } });
  });

  it("sockets left open are excused by a TERM to a worker that leaves", () => {
    const at = "2026/11/21 04:09:12";
    const left = `${at} [alert] 7#7: *8 open socket #3 left in connection 2`;
    const leaves = `${at} [notice] 7#7: gracefully shutting down`;
    const term = `${at} [notice] 1#1: signal 15 (SIGTERM) received from 9`;
    const aborts = `${at} [alert] 7#7: aborting`;

    assert.deepEqual(unexcused([leaves, term, left, aborts]), [leaves, term]);
    assert.deepEqual(unexcused([leaves, left]), [leaves, left]);
    assert.deepEqual(unexcused([term, leaves, left]), [term, leaves, left]);
    assert.deepEqual(unexcused([term, left]), [term, left]);

    const other = left.replace("7#7", "6#6");
    assert.deepEqual(unexcused([leaves, term, other]), [leaves, term, other]);
  });

  it("the same seed makes the same choices", () => {
    const steps = (/** @type {string} */ seed) => {
      const list = plan(new Random(seed).fork("c1"), "c1");
      return Array.from({ length: 200 }, () => list.next().value);
    };

    assert.deepEqual(steps("x"), steps("x"));
    assert.notDeepEqual(steps("x"), steps("y"));
  });
});
