// @ts-check
/**
 * What has been asked, what was answered, and what stands in the log: counted
 * from two sides that know nothing of each other.  Kept over a reload; a copy
 * of the tab begins anew.
 */

import { signal } from "../token.js";
import { claim } from "../token/claim.js";
import { environment } from "../token/environment.js";

/** @typedef {"pending" | "ok" | "failed"} State */
/** @typedef {{state: State, times: number}} Row  times: records in the log */

const PLACE = "break";

/** @returns {{run: string, seq: number, rows: Row[]}} */
function read() {
  const kept = sessionStorage.getItem(PLACE);

  return kept ? JSON.parse(kept) : begin();
}

function begin() {
  const run = Math.random().toString(36).slice(2, 10);

  return { run, seq: 0, rows: /** @type {Row[]} */ ([]) };
}

/**
 * Nobody else may count this run, for as long as the page lives.
 *
 * @param {string} run
 */
function hold(run) {
  return claim(`tally:${run}`, environment({}));
}

export async function tally() {
  let kept = read();
  const changed = signal(0);

  const save = () => {
    sessionStorage.setItem(PLACE, JSON.stringify(kept));
    changed.value = changed.peek() + 1;
  };

  if (!(await hold(kept.run))) {
    kept = begin();
    void hold(kept.run);
    save();
  }

  /** @param {(row: Row) => boolean} is */
  const count = (is) => kept.rows.filter(is).length;

  return {
    /** tells our records from those of others */
    get run() {
      return kept.run;
    },

    /** read in an effect */
    get rows() {
      void changed.value;
      return kept.rows;
    },

    /** @returns {number} of the new row */
    ask() {
      kept.rows.push({ state: "pending", times: 0 });
      save();
      return kept.rows.length - 1;
    },

    /**
     * @param {number} n
     * @param {State} state
     */
    answer(n, state) {
      if (kept.rows[n] && kept.rows[n].state !== state) {
        kept.rows[n].state = state;
        save();
      }
    },

    /** @param {readonly {seq: number, value: any}[]} records */
    found(records) {
      const fresh = records.filter(({ seq }) => seq > kept.seq);

      if (fresh.length === 0) {
        return;
      }

      for (const { seq, value } of fresh) {
        const row = value?.run === kept.run ? kept.rows[value.n] : undefined;

        kept.seq = seq;

        if (row) {
          row.times++;
        }
      }

      save();
    },

    clear() {
      kept = { ...begin(), seq: kept.seq };
      void hold(kept.run);
      save();
    },

    /** read in an effect */
    get numbers() {
      void changed.value;

      return {
        asked: kept.rows.length,
        open: count(({ state }) => state === "pending"),
        failed: count(({ state }) => state === "failed"),
        answered: count(({ state }) => state === "ok"),
        logged: count(({ times }) => times > 0),
        doubled: count(({ times }) => times > 1),
        lost: count(({ state, times }) => state === "ok" && times === 0),
      };
    },
  };
}
