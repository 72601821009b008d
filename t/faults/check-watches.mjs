// @ts-check
/**
 * Watches: no gap, no repetition, no disorder, over any number of connections
 * (G4), and the change before the answer (G3).
 */

import { LogCheck } from "./check-logs.mjs";
import { Holder } from "./holder.mjs";
import { FAMILY, KEEP, same } from "./model.mjs";

/** @typedef {import("./history.mjs").Event} Event */
/** @typedef {import("./model.mjs").Model} Model */
/** @typedef {import("./model.mjs").Complain} Complain */

/** @type {Record<string, string>} */
const KINDS = {
  history: "log",
  short: "log",
  room: "presence",
  [FAMILY]: "family",
};

export class WatchCheck {
  /**
   * @param {Model} model
   * @param {Complain} complain
   */
  constructor(model, complain) {
    this.model = model;
    this.complain = complain;
    this.logs = new LogCheck(model, complain);
    /** @type {Map<string, Holder>} */
    this.holders = new Map();
    /** the greatest seq that anybody has been told of */
    this.known = 0;
    /** @type {Set<number>} connections that watch nothing */
    this.twins = new Set();
  }

  /** @param {Event[]} events */
  check(events) {
    for (const { type, client, conn, data } of events) {
      if (type === "open" && data.twin) this.twins.add(conn);
      if (this.twins.has(conn)) continue;

      if (type === "expect" && data.presence) this.present(data);
      if (type === "open") this.holder(client).asked.clear();
      if (type === "ask" && data.type === "watch") this.asks(client, data);
      if (type === "told") this.told(this.holder(client), data);
    }
  }

  /** @param {string} name */
  holder(name) {
    let holder = this.holders.get(name);

    if (!holder) {
      holder = new Holder(name);
      this.holders.set(name, holder);
    }

    return holder;
  }

  /**
   * @param {string} client
   * @param {any} data
   */
  asks(client, data) {
    const cursor = data.epoch === undefined ? null : data.seq;
    this.holder(client).asked.set(data.channel, { cursor, watching: false });
  }

  /**
   * @param {Holder} h
   * @param {any} data
   */
  told(h, data) {
    if (data.type === "record") this.known = Math.max(this.known, data.seq);

    switch (data.type) {
      case "hello":
        if (h.epoch && h.epoch !== data.epoch) {
          this.complain("protocol", `${h.name}: the epoch has changed`);
        }
        h.epoch = data.epoch;
        break;
      case "watching":
        this.watching(h, data);
        break;
      case "record":
        this.logs.record(h, data);
        break;
      case "atom":
        this.atom(h, data);
        break;
      case "synced":
        this.logs.synced(h, data);
        break;
      case "presence":
        h.presence = data;
        break;
      case "outcome":
        this.outcome(h, data);
        break;
      case "error":
        this.complain("protocol", `${h.name}: ${JSON.stringify(data)}`);
        break;
    }
  }

  /**
   * @param {Holder} h
   * @param {any} data
   */
  watching(h, data) {
    const { channel, recovered, reset } = data;
    const asked = h.asked.get(channel);
    const where = `${h.name}, "${channel}"`;

    if (!asked) {
      this.complain("protocol", `${where}: it is not asked for`);
      return;
    }

    if (data.kind !== (KINDS[channel] ?? "atom")) {
      this.complain("protocol", `${where}: it is no ${data.kind}`);
    }

    const { cursor } = asked;
    const first = !asked.watching && cursor === null;
    const expected = first ? undefined : "retention";
    asked.watching = true;

    if (recovered) {
      if (cursor === null) {
        this.complain("reset", `${where}: recovered, without a cursor`);
      }
      return;
    }

    if (reset !== expected) {
      this.complain("reset", `${where}: reset "${reset}", not "${expected}"`);
    }

    if (reset && channel in KEEP && !h.walking.has(channel)) {
      this.logs.reason(h, channel, this.known);
    }

    h.walking.delete(channel);
    if (data.kind === "log" || data.kind === "family") h.walking.add(channel);

    if (channel === FAMILY) {
      h.walked = 0;
      for (const name of h.atoms.keys()) {
        if (name.startsWith("n/")) h.atoms.delete(name);
      }
    } else if (channel in h.logs) {
      h.logs[channel] = channel === "history" ? -1 : null;
    } else {
      h.atoms.delete(channel);
    }
  }

  /**
   * @param {Holder} h
   * @param {any} data
   */
  atom(h, { channel, watch, seq, value, deleted }) {
    const where = `${h.name}, "${channel}" ${seq}`;
    const version = this.model.version(channel, seq);
    const held = h.atoms.get(channel) ?? -1;
    const family = watch !== undefined;

    if (!h.asked.get(watch ?? channel)?.watching) {
      this.complain("protocol", `${where}: it does not watch it`);
    }

    if (family && (watch !== FAMILY || !channel.startsWith("n/"))) {
      this.complain("protocol", `${where}: it is not of "${watch}"`);
    }

    if (!version && !(seq === 0 && !family)) {
      this.complain("foreign", `${where}: there is no such version`);
    } else if (version && (!deleted) !== (!version.deleted)) {
      this.complain("foreign", `${where}: deleted, or not`);
    } else if (version && !deleted && !same(version.value, value)) {
      this.complain(
        "foreign",
        `${where}: ${JSON.stringify(value)} instead of ` +
          JSON.stringify(version.value),
      );
    }

    if (family && h.walking.has(watch)) h.walked = Math.max(h.walked, seq);

    if (seq <= held) {
      /* what changed during a family's snapshot may be told twice */
      if (!(family && seq <= h.walked)) {
        this.complain("order", `${where}: after version ${held}`);
      }
      return;
    }

    h.atoms.set(channel, seq);
  }

  /**
   * @param {Holder} h
   * @param {any} data
   */
  outcome(h, { id, outcome, seq }) {
    if (outcome !== "ok") return;

    for (const [channel, at] of this.model.changes.get(id) ?? []) {
      const watch = channel.startsWith("n/") ? FAMILY : channel;
      if (!h.asked.get(watch)?.watching || at > seq) continue;

      const held = h.seq(channel, this.model);

      if (held < at) {
        this.complain(
          "late",
          `${h.name} is told that ${id} is ok before its change ${at} of ` +
            `"${channel}" (it is at ${held})`,
        );
      }
    }
  }

  /** Everyone has seen everything. @param {string[]} names */
  complete(names) {
    for (const name of names) {
      for (const text of this.holder(name).missing(this.model)) {
        this.complain("behind", `${name} ${text}`);
      }
    }
  }

  /** @param {{presence: any, who: string[]}} expect */
  present({ presence, who }) {
    for (const name of who) {
      const { users, anonymous } = this.holder(name).presence ?? {};

      if (!same({ users, anonymous }, presence)) {
        this.complain(
          "presence",
          `${name} sees ${JSON.stringify({ users, anonymous })}, there is ` +
            JSON.stringify(presence),
        );
      }
    }
  }
}
