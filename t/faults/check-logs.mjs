// @ts-check
/** The streams of logs: each record after the last, once. */

import { KEEP, same } from "./model.mjs";

/** @typedef {import("./holder.mjs").Holder} Holder */
/** @typedef {import("./model.mjs").Model} Model */
/** @typedef {import("./model.mjs").Complain} Complain */

/** records that nobody has been told of yet may have been appended */
const AHEAD = 10;

export class LogCheck {
  /**
   * @param {Model} model
   * @param {Complain} complain
   */
  constructor(model, complain) {
    this.model = model;
    this.complain = complain;
  }

  /**
   * The reason of a reset: retention has dropped what follows the cursor.
   * (During a snapshot it may always drop the oldest.)
   * @param {Holder} h
   * @param {string} channel
   * @param {number} known  the greatest seq that anybody has been told of
   */
  reason(h, channel, known) {
    const behind = h.behind(channel, known, this.model);

    if (behind <= KEEP[channel] - AHEAD) {
      this.complain(
        "reset",
        `${h.name}, "${channel}": reset, ${behind} records behind`,
      );
    }
  }

  /**
   * The end of a snapshot: everything up to its seq has been told.
   * @param {Holder} h
   * @param {{channel: string, seq: number}} data
   */
  synced(h, { channel, seq }) {
    if (!h.walking.delete(channel)) {
      this.complain("protocol", `${h.name}: synced without a snapshot`);
    }

    const log = this.model.logs[channel];
    if (!log) return;

    const last = log.findLastIndex((entry) => entry.seq <= seq);
    const held = h.logs[channel] ?? -1;

    if (held < last) {
      this.complain(
        "gap",
        `${h.name}, "${channel}": synced at ${seq}, ${last - held} records ` +
          "are missing",
      );
    }

    h.logs[channel] = held;
  }

  /**
   * @param {Holder} h
   * @param {any} data
   */
  record(h, { channel, seq, token, user, value }) {
    const where = `${h.name}, "${channel}" ${seq}`;
    const i = this.model.index[channel]?.get(seq);

    if (!h.asked.get(channel)?.watching) {
      this.complain("protocol", `${where}: it does not watch it`);
    }

    if (i === undefined) {
      this.complain("foreign", `${where}: there is no such record`);
      return;
    }

    const entry = this.model.logs[channel][i];

    if (!same(entry, { seq, token, user, value })) {
      this.complain("foreign", `${where}: the record is another`);
    }

    const last = h.logs[channel];
    const expected = last === null ? i : last + 1;

    if (i > expected) {
      this.complain("gap", `${where}: ${i - expected} records are missing`);
    } else if (i < expected) {
      this.complain("order", `${where}: repeated, or out of order`);
    }

    h.logs[channel] = i;
  }
}
