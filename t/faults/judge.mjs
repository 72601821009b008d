// @ts-check
/** What became of each token, held against the store. */

import { canonical, operation } from "./model.mjs";

/** @typedef {import("./model.mjs").Model} Model */
/** @typedef {import("./model.mjs").Complain} Complain */

/**
 * @typedef {object} Token
 * @property {string} id
 * @property {string} client
 * @property {any[]} requests
 * @property {number} sends      of the request itself
 * @property {number} floor      the greatest seq that anybody had been told of
 *                               when it was first asked for
 * @property {number} version    the same, of the atom of `put`
 * @property {boolean} cancelled
 * @property {boolean} reused    its id was used for another request
 * @property {any | null} final  the first final outcome
 * @property {boolean} failed    the last answer was `failed`
 * @property {boolean} seen      somebody was told of its effect
 * @property {Map<number, {seen: boolean, final: boolean}>} resumes  by
 *                               connection: what was known when it was asked
 */

const FINAL = ["ok", "rejected", "superseded", "interrupted"];

/** @param {string} outcome */
export const isFinal = (outcome) => FINAL.includes(outcome);

/**
 * The codes with which a request may be rejected.
 * @param {any} request
 * @returns {string[]}
 */
export function refusals({ service, value }) {
  if (service === "nope") return ["unknown_service"];

  switch (operation(service)) {
    case "wrong":
      return ["not_boolean"];
    case "put":
      return ["version"];
    case "add":
      if (value?.n === undefined) return ["bad_value"];
      return typeof value.n === "number" ? [] : ["not_number"];
    default:
      return [];
  }
}

/**
 * Two answers to the same token say the same.
 * @param {any} a
 * @param {any} b
 */
export function alike(a, b) {
  return (
    a.outcome === b.outcome &&
    a.seq === b.seq &&
    a.error?.code === b.error?.code &&
    a.error?.version === b.error?.version
  );
}

export class Judge {
  /**
   * @param {Model} model
   * @param {Complain} complain
   */
  constructor(model, complain) {
    this.model = model;
    this.complain = complain;
  }

  /** @param {Map<string, Token>} tokens */
  all(tokens) {
    for (const token of tokens.values()) this.judge(token);

    for (const [id, records] of this.model.tokens) {
      const token = tokens.get(id);

      if (!token) {
        this.complain("ghost", `${id} has an effect, and nobody asked for it`);
      } else if (records.length === token.requests.length) {
        this.together(id);
      }
    }
  }

  /** @param {Token} token */
  judge(token) {
    const { id, final, requests } = token;
    const records = this.model.tokens.get(id) ?? [];

    this.foreign(token, records);

    if (records.length && records[0].seq <= token.floor) {
      this.complain(
        "stale",
        `${id} took effect at seq ${records[0].seq}, but was asked for when ` +
          `seq ${token.floor} was known`,
      );
    }

    if (records.length > requests.length) {
      this.complain(
        "doubled",
        `${id} took effect ${records.length} times, for ${requests.length} ` +
          "requests",
      );
    }

    if (final?.outcome === "ok") {
      const last = records[records.length - 1];

      if (records.length < requests.length) {
        this.complain(
          "lost",
          `${id} was ok, but of its ${requests.length} requests ` +
            `${records.length} took effect`,
        );
      } else if (last.seq !== final.seq && records.length === requests.length) {
        this.complain(
          "changed",
          `${id} was ok at ${final.seq}, not ${last.seq}`,
        );
      }
      return;
    }

    if (records.length && final) {
      this.complain("ghost", `${id} was ${final.outcome}, and took effect`);
    } else if (records.length && token.failed && token.sends === 1) {
      this.complain("ghost", `${id} has failed, and took effect`);
    } else if (!final && !token.failed) {
      this.complain("unresolved", `${id} of ${token.client} has no outcome`);
    }
  }

  /**
   * @param {Token} token
   * @param {import("./model.mjs").Entry[]} records
   */
  foreign({ id, requests }, records) {
    records.forEach(({ value }, i) => {
      const request = requests[i % requests.length];
      const asked = {
        op: operation(request.service),
        value: request.value ?? null,
      };

      if (canonical(value) !== canonical(asked)) {
        this.complain(
          "foreign",
          `${id} did ${canonical(value)}, asked was ${canonical(asked)}`,
        );
      }
    });
  }

  /** The changes of a token are one transaction. @param {string} id */
  together(id) {
    const seqs = (this.model.changes.get(id) ?? []).map(([, seq]) => seq);

    if (seqs.some((seq, i) => i > 0 && seq !== seqs[i - 1] + 1)) {
      this.complain("torn", `${id} took effect at ${seqs.join(", ")}`);
    }
  }
}
