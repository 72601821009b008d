/**
 * The state machines of all tokens that come from a source, against one model:
 * any interleaving of events, spends, second spends and late spends.
 */

import test from "node:test";
import assert from "node:assert/strict";
import fc from "fast-check";
import { OnAll, Token, effect } from "../../html/token.js";
import {
  CyclicToken, DISCARDED, StampedCyclicToken, StampedToken, TokenNofail,
} from "../../html/token-zoo.js";
import { source } from "./fake.js";

const RUNS = Number(process.env.RUNS ?? 150);

const asPair = ({ up, error }) => [up, error];
const asToken = ({ up }) => up;
const asStamp = ({ up, stamp }) => [stamp, up];

/** latest: an event while there is a token makes another; rearm: so does a spend */
const KINDS = {
  Token: { make: Token, shown: asPair, keeps: true },
  TokenNofail: { make: TokenNofail, shown: asToken },
  StampedToken: { make: StampedToken, shown: asStamp },
  CyclicToken: { make: CyclicToken, shown: asToken, latest: true },
  StampedCyclicToken: { make: StampedCyclicToken, shown: asStamp, latest: true },
  "CyclicToken with rearm": { make: rearming(CyclicToken), shown: asToken, latest: true, rearm: true },
  "StampedCyclicToken with rearm": {
    make: rearming(StampedCyclicToken), shown: asStamp, latest: true, rearm: true,
  },
};

function rearming(make) {
  return (from, on) => make(from, on, { rearm: true });
}

const step = fc.oneof(
  { weight: 6, arbitrary: fc.record({ do: fc.constant("event"), event: fc.constantFrom("a", "b", "skip", false, 0, "", null, undefined) }) },
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constant("spend"),
      late: fc.oneof({ weight: 2, arbitrary: fc.constant(0) }, fc.nat(20)),
      error: fc.constantFrom(undefined, null, "no", { code: "timeout" }, "", 0, DISCARDED),
    }),
  },
  fc.record({ do: fc.constant("dispose") }),
);
const isThere = (value) => value !== null && value !== undefined;

class Model {
  constructor(kind, on) {
    this.kind = kind;
    this.counts = on ?? isThere;
    this.state = { up: null, error: null, stamp: null };
    this.present = null;
    this.ended = false;
    this.superseded = new Set();
  }

  /** @returns {boolean} there is a new token */
  event(event) {
    const { up } = this.state;
    if (this.ended) return false;
    // a source that says nothing more has nothing to arm with again
    this.present = this.counts(event) ? { event } : null;
    // an event that does not count changes nothing, nor does one while there is a token
    if (!this.present || (up && !this.kind.latest)) return false;
    // latest wins: the token before is cancelled, and ignored
    if (up) this.superseded.add(up);
    return this.arm(event);
  }

  arm(stamp) {
    // a new token is the retry: the error is gone
    this.state = { up: null, error: null, stamp };
    return true;
  }

  /** @returns {boolean} there is a new token */
  spend(t, error) {
    // a token is spent once, and a dead one changes nothing
    if (t !== this.state.up) return false;
    const kept = this.keepsError(error) ? error : null;
    // the stamp can be read after the spend, either way
    this.state = { ...this.state, up: null, error: kept };
    if (this.kind.rearm && this.present) return this.arm(this.present.event);
    return false;
  }

  keepsError(error) {
    return Boolean(this.kind.keeps) && isThere(error) && error !== DISCARDED;
  }

  dispose() {
    this.ended = true;
    this.present = null;
    return false;
  }
}

const tokenIn = (value) => [value].flat().find((each) => typeof each === "function") ?? null;

for (const [name, kind] of Object.entries(KINDS)) {
  test(`${name}: holds for any interleaving of events, spends and late spends`, () => {
    const on = fc.constantFrom(undefined, (event) => event !== "skip" && event !== null);
    fc.assert(
      fc.property(on, fc.array(step, { maxLength: 40, size: "max" }), (on, steps) => {
        const events = source();
        const token = kind.make(events, on);
        const model = new Model(kind, on);
        const tokens = [];
        const seen = [];
        const stop = effect(() => void seen.push(token.value));

        for (const { do: what, event, late, error } of steps) {
          const before = token.peek();
          const looks = seen.length;
          let fresh = false;
          if (what === "event") {
            // (an argument that is not there is a click)
            [...events.fns].forEach((fn) => fn(event));
            fresh = model.event(event);
          } else if (what === "dispose") {
            token.dispose();
            fresh = model.dispose();
          } else if (tokens.length > 0) {
            const t = tokens[late % tokens.length];
            const { up } = model.state;
            // it says whether the error is kept, and shown where the event came from
            assert.equal(t(error), t === up && model.keepsError(error));
            fresh = model.spend(t, error);
          }
          if (fresh) {
            const t = tokenIn(token.peek());
            assert.ok(t && !tokens.includes(t), "a fresh token");
            assert.equal(t.event, model.state.stamp);
            tokens.unshift(t);
            model.state.up = t;
          }
          // what it shows is one value, and what nothing happened to is the same value still
          assert.deepEqual(token.peek(), kind.shown(model.state));
          assert.equal(tokenIn(token.peek()), model.state.up);
          // who looks sees each state once, whole, and none between two of them
          assert.equal(seen.length - looks, token.peek() === before ? 0 : 1);
          assert.equal(seen.at(-1), token.peek());
          // a token is aborted when another takes its place, and never otherwise
          for (const t of tokens) assert.equal(t.signal?.aborted ?? false, model.superseded.has(t));
        }
        stop();
      }),
      { numRuns: RUNS },
    );
  });
}

test("whatever an effect spends as soon as it is there: no event is lost, and no token is left", () => {
  const kinds = Object.values(KINDS).filter(({ rearm }) => !rearm);
  const events = fc.array(fc.tuple(fc.nat(9), fc.constantFrom(undefined, "no")));
  fc.assert(
    fc.property(fc.constantFrom(...kinds), events, ({ make }, events) => {
      const from = source();
      const token = make(from);
      const seen = [];
      let error;
      const stop = effect(() => {
        const t = tokenIn(token.value);
        if (t) seen.push(t.event);
        t?.(error);
      });
      for (const [event, verdict] of events) {
        error = verdict;
        from.fire(event);
        assert.equal(tokenIn(token.peek()), null);
      }
      assert.deepEqual(seen, events.map(([event]) => event));
      stop();
    }),
  );
});

test("OnAll: holds for any interleaving: a row per event, until its own token is spent", () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40, size: "max" }), (steps) => {
      const events = source();
      const rows = OnAll(events);
      const tokens = [];
      let model = [];
      for (const { do: what, event, late, error } of steps) {
        if (what === "event") {
          [...events.fns].forEach((fn) => fn(event));
          if (events.fns.size > 0 && isThere(event)) {
            model.push(rows.peek().at(-1));
            tokens.unshift(model.at(-1)[0]);
            assert.deepEqual(model.at(-1).slice(1), [event]);
          }
        } else if (what === "dispose") {
          rows.dispose();
        } else if (tokens.length > 0) {
          const t = tokens[late % tokens.length];
          // nobody here shows the error: that is for the command
          assert.equal(t(error), false);
          model = model.filter(([each]) => each !== t);
        }
        // the others are not disturbed: they are the same rows, in order of submission
        assert.equal(rows.peek().length, model.length);
        model.forEach((row, i) => assert.equal(rows.peek()[i], row));
        assert.equal(new Set(tokens).size, tokens.length);
      }
    }),
    { numRuns: RUNS },
  );
});
