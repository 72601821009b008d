/** What stands for a token, and remembers: any interleaving, any stack of them. */

import test from "node:test";
import assert from "node:assert/strict";
import fc from "fast-check";
import { Token, signal } from "../../html/token.js";
import {
  CyclicToken, DISCARDED, StampedCyclicToken, StampedToken, TokenNofail, WithDataSlot, afterAck,
  stopErrPropagation, trackToken,
} from "../../html/token-zoo.js";
import { source } from "./fake.js";

const RUNS = Number(process.env.RUNS ?? 150);

const MAKERS = { Token, TokenNofail, StampedToken, CyclicToken, StampedCyclicToken };
const maker = fc.constantFrom(...Object.values(MAKERS));
const verdict = fc.constantFrom(undefined, null, "no", { code: "timeout" }, DISCARDED);
const isError = (error) => error !== undefined && error !== null && error !== DISCARDED;

const step = fc.oneof(
  { weight: 3, arbitrary: fc.record({ do: fc.constant("event"), event: fc.nat(3) }) },
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant("spend"),
      // 0: the newest; the others are late, or are spent for the second time
      late: fc.oneof({ weight: 3, arbitrary: fc.constant(0) }, fc.nat(5)),
      error: verdict,
      data: fc.constantFrom(undefined, null, 0, "data"),
    }),
  },
  fc.record({ do: fc.constant("bypass"), error: verdict }),
);

/** the token of a signal of a token, or of a pair that has one */
const tokenIn = (value) => [value].flat().find((each) => typeof each === "function") ?? null;

/** a source of tokens, and all that there were */
class Tokens {
  constructor(make) {
    this.events = source();
    this.signal = make(this.events);
    this.made = [];
  }

  get up() {
    return tokenIn(this.signal.peek());
  }

  fire(event) {
    this.events.fire(event);
    if (this.up && this.up !== this.made[0]) this.made.unshift(this.up);
  }
}

test("trackToken: holds for any tokens, and any interleaving of events and spends", () => {
  fc.assert(
    fc.property(maker, fc.array(step, { maxLength: 40, size: "max" }), (make, steps) => {
      const tokens = new Tokens(make);
      const plain = new Tokens(make);
      const tracked = trackToken(tokens.signal);
      const proxies = new Map();
      let last = null;

      for (const { do: what, event, late, error } of steps) {
        if (what === "event") {
          tokens.fire(event);
          plain.fire(event);
        } else if (what === "bypass") {
          tokens.up?.(error);
          plain.up?.(error);
        } else if (tokens.made.length > 0) {
          const i = late % tokens.made.length;
          const t = tokens.made[i];
          const live = t === tokens.up;
          const kept = proxies.get(t)?.(error) ?? false;
          plain.made[i](error);
          // only a live token changes what is remembered, and a success or a discard clears it
          if (live) last = isError(error) ? error : null;
          assert.equal(kept, live && isError(error), "it shows the error of a live token, and of no other");
        }
        const [t, shown] = tracked.peek();
        const { up } = tokens;
        if (up && !proxies.has(up)) proxies.set(up, t);
        // a token has one proxy, and is not there without it
        assert.equal(t, up && proxies.get(up));
        // the last error stands there while there is no token: a new one is the retry
        assert.equal(shown, up ? null : last);
        if (up) assert.deepEqual([t.event, t.signal, t.root], [up.event, up.signal, up]);
        // what is behind it is as if it had been spent itself
        assert.equal(up === null, plain.up === null);
        assert.deepEqual(shape(tokens.signal), shape(plain.signal));
      }
    }),
    { numRuns: RUNS },
  );
});

test("trackToken and WithDataSlot: of a signal of any tokens, each has one proxy, and is taken once", () => {
  const change = fc.record({ which: fc.nat(2), do: fc.constantFrom("put", "spend"), verdict });
  const wrap = fc.constantFrom(trackToken, (tokens) => WithDataSlot(tokens, "init"));
  fc.assert(
    fc.property(wrap, fc.array(change, { maxLength: 20, size: "max" }), (wrap, changes) => {
      const calls = [];
      // plain functions: nothing but the proxy keeps a second call from them
      const plain = [0, 1, 2].map((i) => () => void calls.push(i));
      const tokens = signal(null);
      const wrapped = wrap(tokens);
      const proxies = new Map();
      const spent = [];

      for (const { which, do: what, verdict } of changes) {
        if (what === "put") {
          if (!spent.includes(which)) tokens.value = plain[which];
        } else {
          const live = tokens.peek() === plain[which] && !spent.includes(which);
          proxies.get(which)?.(verdict);
          if (live) spent.push(which);
        }
        assert.deepEqual(calls, spent);
        const up = plain.indexOf(tokens.peek());
        const [t] = wrapped.peek();
        assert.equal(t === null, up === -1 || spent.includes(up));
        if (t && !proxies.has(up)) proxies.set(up, t);
        if (t) assert.equal(t, proxies.get(up));
      }
    }),
    { numRuns: RUNS },
  );
});

/** the state of a source of tokens, without the tokens themselves */
function shape(tokens) {
  return [tokens.peek()].flat().map((each) => (typeof each === "function" ? "t" : each));
}

test("trackToken and WithDataSlot: any stack of them over a token spends it once, and each keeps its own", () => {
  const layers = fc.array(fc.constantFrom("track", "slot"), { minLength: 1, maxLength: 4 });
  fc.assert(
    fc.property(maker, layers, fc.array(step, { maxLength: 30, size: "max" }), (make, kinds, steps) => {
      const tokens = new Tokens(make);
      const stack = [];
      for (const kind of kinds) {
        const below = stack.at(-1)?.signal ?? tokens.signal;
        const signal = kind === "track" ? trackToken(below) : WithDataSlot(below, "init");
        stack.push({ kind, signal, keeps: kind === "track" ? null : "init" });
      }
      const top = () => tokenIn(stack.at(-1).signal.peek());
      // with a slot in it a call takes data, and reject() the error
      const slots = kinds.includes("slot");
      const tops = new Map();

      for (const { do: what, event, late, error, data } of steps) {
        if (what === "event") {
          tokens.fire(event);
        } else if (what === "spend" && tokens.made.length > 0) {
          const t = tokens.made[late % tokens.made.length];
          const live = t === tokens.up;
          const before = stack.map(({ signal }) => signal.peek());
          const fails = isError(error) || error === DISCARDED;
          if (slots && fails) tops.get(t)?.reject(error);
          else tops.get(t)?.(slots ? data : error);

          // a dead token changes nothing in any layer
          if (!live) assert.deepEqual(stack.map(({ signal }) => signal.peek()), before);
          else settle(stack, fails ? error : undefined, data);
        }
        const { up } = tokens;
        if (up && !tops.has(up)) tops.set(up, top());
        // each layer has a token exactly while there is one below it
        for (const { kind, signal, keeps } of stack) {
          const [t, kept] = signal.peek();
          assert.equal(t === null, up === null);
          assert.equal(kept, kind === "track" && up ? null : keeps);
        }
        assert.equal(top(), up && tops.get(up));
      }
    }),
    { numRuns: RUNS },
  );
});

/** what each layer has to remember of a live spend */
function settle(stack, error, data) {
  // the outermost slot takes the data, those below it are only accepted
  const taker = stack.findLast(({ kind }) => kind === "slot");
  for (const layer of stack) {
    if (layer.kind === "track") layer.keeps = isError(error) ? error : null;
  }
  if (taker && error === undefined && data !== undefined) taker.keeps = data;
}

test("afterAck: once per token, after it is spent, however often and with whatever it is spent", () => {
  fc.assert(
    fc.property(maker, fc.array(step, { maxLength: 30, size: "max" }), (make, steps) => {
      const tokens = new Tokens(make);
      const acks = new Map();
      const wrappers = new Map();
      const first = new Map();

      for (const { do: what, event, late, error } of steps) {
        if (what === "event") {
          tokens.fire(event);
          const { up } = tokens;
          if (!up || wrappers.has(up)) continue;
          const ack = (error) => acks.set(up, [...(acks.get(up) ?? []), [error, tokens.up === up]]);
          wrappers.set(up, afterAck(up, ack));
        } else if (what === "spend" && tokens.made.length > 0) {
          const t = tokens.made[late % tokens.made.length];
          wrappers.get(t)(error);
          if (!first.has(t)) first.set(t, error);
        }
      }
      const expected = [...first].map(([t, error]) => [t, [[error, false]]]);
      assert.deepEqual([...acks], expected);
    }),
    { numRuns: RUNS },
  );
});

test("stopErrPropagation: no error gets through, and the first success or discard does", () => {
  fc.assert(
    fc.property(fc.array(verdict), (errors) => {
      const tokens = new Tokens(Token);
      tokens.fire("event");
      const { up } = tokens;
      const t = stopErrPropagation(up);
      let spent = false;
      for (const error of errors) {
        assert.equal(t(error), false);
        spent ||= !isError(error);
        assert.deepEqual(tokens.signal.peek(), spent ? [null, null] : [up, null]);
      }
    }),
  );
});
