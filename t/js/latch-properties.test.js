/** A value that is held and let go, whoever looks at it, in any order. */

import test from "node:test";
import assert from "node:assert/strict";
import fc from "fast-check";
import { batch, computed, effect, signal } from "../../html/token.js";
import { Latchable } from "../../html/token-zoo.js";

const step = fc.oneof(
  { weight: 3, arbitrary: fc.record({ do: fc.constant("write"), value: fc.nat(9) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("latch") }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant("unlatch"), which: fc.nat(9) }) },
  // a value that is written and latched in one go is held as it was written
  fc.record({ do: fc.constant("both"), value: fc.nat(9) }),
  fc.record({ do: fc.constant("watch") }),
);

test("Latchable: holds for any interleaving of writes, latches and thaws", () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40, size: "max" }), (steps) => {
      const source = signal(0);
      const doubled = computed(() => source.value * 2);
      const latchable = Latchable(doubled);
      const [, latch] = latchable.peek();
      const thaws = [];
      const held = new Set();
      const seen = [];
      let frozen = null;
      let stop = null;

      const hold = () => {
        // only the first latch freezes: it is held as it was then
        if (held.size === 0) frozen = source.peek() * 2;
        const thaw = latch();
        thaws.push(thaw);
        held.add(thaw);
      };

      for (const { do: what, value, which } of steps) {
        if (what === "write") source.value = value;
        if (what === "latch") hold();
        if (what === "both") {
          batch(() => {
            source.value = value;
            hold();
          });
        }
        if (what === "unlatch" && thaws.length > 0) {
          const thaw = thaws[which % thaws.length];
          thaw();
          // to thaw twice is to thaw once
          held.delete(thaw);
        }
        if (what === "watch") {
          stop?.();
          stop = stop ? null : effect(() => void seen.push(latchable.value[0]));
        }
        // while anybody holds it, it is what it was; else what its source is
        const expected = held.size > 0 ? frozen : source.peek() * 2;
        assert.deepEqual(latchable.peek(), [expected, latch]);
        // who looks has seen that
        if (stop) assert.equal(seen.at(-1), expected);
      }
      stop?.();
    }),
    { numRuns: 200 },
  );
});
