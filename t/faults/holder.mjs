// @ts-check
/** What one client holds, by what it was told. */

import { INITIAL } from "./model.mjs";

/** @typedef {import("./model.mjs").Model} Model */

export class Holder {
  /** @param {string} name */
  constructor(name) {
    this.name = name;
    this.epoch = "";
    /** @type {Map<string, {cursor: number | null, watching: boolean}>} */
    this.asked = new Map();
    /**
     * The index of the last record; -1: none as yet; null: the next one will
     * tell.
     * @type {Record<string, number | null>}
     */
    this.logs = { history: -1, short: null };
    /** @type {Map<string, number>} atom to seq */
    this.atoms = new Map();
    /** channels whose snapshot has not ended */
    this.walking = new Set();
    /** what the family's snapshot may tell again */
    this.walked = 0;
    /** @type {any} */
    this.presence = null;
  }

  /**
   * How far it has come with a log or an atom.
   * @param {string} channel
   * @param {Model} model
   */
  seq(channel, model) {
    if (!(channel in this.logs)) return this.atoms.get(channel) ?? -1;

    return model.logs[channel][this.logs[channel] ?? -1]?.seq ?? -1;
  }

  /**
   * How many records of a log follow the last that it has.
   * @param {string} channel
   * @param {number} seq  of the newest that is known
   * @param {Model} model
   */
  behind(channel, seq, model) {
    const last = this.logs[channel] ?? Infinity;
    const log = model.logs[channel] ?? [];

    return log.filter((entry, i) => i > last && entry.seq <= seq).length;
  }

  /**
   * What is in the store, and not here.
   * @param {Model} model
   * @returns {string[]}
   */
  missing(model) {
    const texts = [];

    for (const [channel, log] of Object.entries(model.logs)) {
      const last = this.logs[channel];

      if (log.length && last !== log.length - 1) {
        texts.push(
          `has ${last === null ? "nothing" : last + 1} of the ` +
            `${log.length} records of "${channel}"`,
        );
      }
    }

    for (const channel of model.atoms.keys()) {
      const { seq, deleted } = model.latest(channel);
      const held = this.atoms.get(channel) ?? -1;
      const absent = !(channel in INITIAL) && (deleted || seq === 0);

      if (held !== seq && !(absent && held === -1)) {
        texts.push(`has "${channel}" at ${held}, it is at ${seq}`);
      }
    }

    return texts;
  }
}
