// @ts-check
/** Tokens: once, as told, and in the order of time (G1, G2, G5, G6). */

import { Judge, alike, isFinal, refusals } from "./judge.mjs";
import { canonical, operation } from "./model.mjs";

/** @typedef {import("./history.mjs").Event} Event */
/** @typedef {import("./judge.mjs").Token} Token */
/** @typedef {import("./model.mjs").Model} Model */
/** @typedef {import("./model.mjs").Complain} Complain */

export class TokenCheck {
  /**
   * @param {Model} model
   * @param {Complain} complain
   */
  constructor(model, complain) {
    this.model = model;
    this.complain = complain;
    /** @type {Map<string, Token>} */
    this.tokens = new Map();
    /** the greatest seq that anybody has been told of as committed */
    this.known = 0;
    /** the same, of the atom of `put` */
    this.version = 0;
  }

  /** @param {Event[]} events */
  check(events) {
    for (const event of events) {
      if (event.type === "ask") this.asked(event);
      else if (event.type === "told") this.told(event);
    }

    new Judge(this.model, this.complain).all(this.tokens);
  }

  /** @param {Event} event */
  asked({ client, conn, data }) {
    if (data.type === "resume") {
      for (const id of data.ids) {
        const token = this.tokens.get(id);
        token?.resumes.set(conn, {
          seen: token.seen,
          final: token.final !== null,
        });
      }
      return;
    }

    const token = this.tokens.get(data.id);

    if (data.type === "cancel" && token) token.cancelled = true;
    if (data.type !== "token") return;

    if (data.probe === "reuse") {
      if (token) token.reused = true;
      return;
    }

    if (token) {
      token.sends++;
      return;
    }

    const { service, value } = data;

    this.tokens.set(data.id, {
      id: data.id,
      client,
      requests: data.requests ?? [{ service, value }],
      sends: 1,
      floor: this.known,
      version: this.version,
      cancelled: false,
      reused: false,
      final: null,
      failed: false,
      seen: false,
      resumes: new Map(),
    });
  }

  /** @param {Event} event */
  told({ conn, client, data }) {
    if (data.type === "record" || data.type === "atom") {
      this.known = Math.max(this.known, data.seq);

      if (data.channel === "cas") {
        this.version = Math.max(this.version, data.seq);
      }

      const token = this.tokens.get(data.token);
      if (token) token.seen = true;
      return;
    }

    if (data.type !== "outcome") return;

    const token = this.tokens.get(data.id);

    if (!token) {
      this.complain("protocol", `${client} is told of ${data.id}, unasked`);
      return;
    }

    this.outcome(token, data, conn);
  }

  /**
   * @param {Token} token
   * @param {any} data
   * @param {number} conn
   */
  outcome(token, data, conn) {
    const { id } = token;
    const code = data.error?.code;
    token.failed = false;

    switch (data.outcome) {
      case "ok":
        this.known = Math.max(this.known, data.seq ?? 0);
        break;

      case "rejected":
        if (code === "id_reused" && token.reused) return;
        this.rejected(token, data);
        break;

      case "superseded":
        if (!token.cancelled) {
          this.complain("protocol", `${id} is superseded, but not cancelled`);
        }
        break;

      case "failed":
        token.failed = true;
        if (
          code !== "service_failed" ||
          !token.requests.some(({ service }) => service.includes("flaky_"))
        ) {
          this.complain("failed", `${id} has failed: ${canonical(data)}`);
        }
        break;

      case "unknown": {
        const then = token.resumes.get(conn);
        if (!then || then.final || then.seen) {
          this.complain(
            "forgotten",
            `${id} is unknown, but ` +
              (then ? "its outcome was known" : "nobody has resumed it"),
          );
        }
        break;
      }

      case "running":
        if (!token.resumes.has(conn)) {
          this.complain("protocol", `${id} is running, and was not resumed`);
        }
        break;

      case "busy":
        if (!(data.retry >= 0)) {
          this.complain("protocol", `${id} is busy, with no time to retry`);
        }
        break;

      default:
        this.complain("protocol", `${id} has outcome "${data.outcome}"`);
    }

    if (!isFinal(data.outcome)) return;

    if (token.final === null) {
      token.final = data;
    } else if (!alike(token.final, data)) {
      this.complain(
        "changed",
        `${id} is answered ${canonical(data)}, after ${canonical(token.final)}`,
      );
    }
  }

  /**
   * @param {Token} token
   * @param {any} data
   */
  rejected({ id, requests, version }, { error }) {
    if (!requests.some((request) => refusals(request).includes(error.code))) {
      this.complain("rejected", `${id} is rejected: ${canonical(error)}`);
      return;
    }

    if (error.code !== "version") return;

    const present = error.version;
    const expected = requests
      .filter(({ service }) => operation(service) === "put")
      .map(({ value }) => value.version);

    /* an earlier put of the same token moves the version out of our sight */

    if (expected.length > 1) return;

    if (present === expected[0]) {
      this.complain("rejected", `${id} is at the version that it expects`);
    } else if (!this.model.version("cas", present)) {
      this.complain("rejected", `${id}: there is no version ${present}`);
    } else if (present < version) {
      this.complain(
        "stale",
        `${id} is rejected at version ${present}, but when it was asked for ` +
          `version ${version} was known`,
      );
    }
  }
}
