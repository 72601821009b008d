import test from "node:test";
import assert from "node:assert/strict";
import fc from "fast-check";
import { batch, computed, effect, signal, untracked } from "../../html/token.js";
import { detached } from "../../html/token/signal.js";
import { listen } from "./fake.js";

test("an effect runs at once, and again when what it read has changed", () => {
  const a = signal(1);
  const seen = [];
  const stop = effect(() => void seen.push(a.value));
  a.value = 2;
  a.value = 2;
  stop();
  a.value = 3;
  assert.deepEqual(seen, [1, 2]);
});

test("subscribe calls with the present value and each new one, until stopped", () => {
  const a = signal("x");
  const seen = [];
  const stop = a.subscribe((value) => seen.push(value));
  a.value = "y";
  stop();
  a.value = "z";
  assert.deepEqual(seen, ["x", "y"]);
});

test("what a subscriber reads besides is not tracked", () => {
  const a = signal(1);
  const b = signal(1);
  let calls = 0;
  a.subscribe(() => {
    calls++;
    return b.value;
  });
  b.value = 2;
  assert.equal(calls, 1);
});

test("no effect sees a mixture of old and new in a diamond", () => {
  const a = signal(1);
  const left = computed(() => a.value + 1);
  const right = computed(() => a.value * 10);
  const seen = [];
  effect(() => void seen.push([left.value, right.value]));
  a.value = 2;
  assert.deepEqual(seen, [[2, 10], [3, 20]]);
});

test("effects wait for the end of the outermost batch", () => {
  const a = signal(0);
  const seen = [];
  effect(() => void seen.push(a.value));
  batch(() => {
    a.value = 1;
    batch(() => {
      a.value = 2;
    });
    assert.deepEqual(seen, [0]);
    a.value = 3;
  });
  assert.deepEqual(seen, [0, 3]);
});

test("an effect does not run when its computed gives the same again", () => {
  const a = signal(1);
  const odd = computed(() => a.value % 2);
  let runs = 0;
  effect(() => {
    runs++;
    return void odd.value;
  });
  a.value = 3;
  assert.equal(runs, 1);
});

test("a computed that nobody observes holds no place in its sources", () => {
  const a = signal(1);
  const twice = computed(() => a.value * 2);
  assert.equal(twice.value, 2);
  assert.equal(a.observers.size, 0);
  const stop = effect(() => void twice.value);
  assert.equal(a.observers.size, 1);
  stop();
  assert.equal(a.observers.size, 0);
  a.value = 5;
  assert.equal(twice.value, 10);
});

test("a computed is not evaluated again while nothing has changed", () => {
  const a = signal(1);
  let runs = 0;
  const b = computed(() => {
    runs++;
    return a.value;
  });
  b.value;
  b.value;
  signal(0).value = 1;
  b.value;
  assert.equal(runs, 1);
});

test("an effect forgets what it no longer reads", () => {
  const which = signal(true);
  const a = signal("a");
  const b = signal("b");
  const seen = [];
  effect(() => void seen.push(which.value ? a.value : b.value));
  which.value = false;
  a.value = "A";
  b.value = "B";
  assert.deepEqual(seen, ["a", "b", "B"]);
});

test("a clean-up runs before the next run and at the end", () => {
  const a = signal(1);
  const seen = [];
  const stop = effect(() => {
    const { value } = a;
    return () => seen.push(`end ${value}`);
  });
  a.value = 2;
  stop();
  assert.deepEqual(seen, ["end 1", "end 2"]);
});

test("effects made inside an effect end with it", () => {
  const a = signal(1);
  const b = signal(1);
  let runs = 0;
  const stop = effect(() => {
    a.value;
    effect(() => {
      runs++;
      return void b.value;
    });
  });
  a.value = 2;
  runs = 0;
  b.value = 2;
  assert.equal(runs, 1);
  stop();
  b.value = 3;
  assert.equal(runs, 1);
});

test("what is begun detached goes on when the effect around it ends", () => {
  const a = signal(1);
  const seen = [];
  effect(() => {
    detached(() => a.subscribe((value) => seen.push(value)));
  })();
  a.value = 2;
  assert.deepEqual(seen, [1, 2]);
});

test("a broken effect harms neither the others nor the writer", async () => {
  const a = signal(1);
  const seen = [];
  effect(() => {
    if (a.value === 2) throw new Error("broken");
  });
  effect(() => void seen.push(a.value));
  const lines = await listen("error", () => {
    a.value = 2;
  });
  a.value = 3;
  assert.deepEqual(seen, [1, 2, 3]);
  assert.match(String(lines[0][0]), /broken/);
});

test("the error of a computed reaches its reader, and goes when its cause goes", () => {
  const a = signal(0);
  const b = computed(() => {
    if (a.value === 0) throw new Error("nothing");
    return a.value;
  });
  assert.throws(() => b.value, /nothing/);
  const seen = [];
  effect(() => {
    try {
      seen.push(b.value);
    } catch {
      seen.push("error");
    }
  });
  a.value = 1;
  assert.deepEqual(seen, ["error", 1]);
});

test("effects that feed themselves without end are stopped and reported", async () => {
  const a = signal(0);
  const lines = await listen("error", () => {
    effect(() => {
      a.value = a.value + 1;
    });
  });
  assert.match(String(lines[0][0]), /without end/);
  assert.ok(a.peek() < 1000);
});

test("an effect may stop itself while it runs", () => {
  const a = signal(0);
  let runs = 0;
  const stop = effect(() => {
    runs++;
    if (a.value === 1) stop();
  });
  a.value = 1;
  a.value = 2;
  assert.equal(runs, 2);
  assert.equal(a.observers.size, 0);
});

test("untracked reads do not make an effect run", () => {
  const a = signal(1);
  let runs = 0;
  effect(() => {
    runs++;
    untracked(() => a.value);
    a.peek();
  });
  a.value = 2;
  assert.equal(runs, 1);
});

test("any graph of computeds agrees with a plain evaluation", () => {
  const node = fc.record({
    sources: fc.array(fc.nat(30), { minLength: 1, maxLength: 3 }),
    mod: fc.integer({ min: 2, max: 5 }),
  });
  const step = fc.record({
    writes: fc.array(fc.tuple(fc.nat(3), fc.nat(9)), { minLength: 1, maxLength: 3 }),
    toggle: fc.nat(30),
  });

  fc.assert(
    fc.property(fc.array(node, { minLength: 1, maxLength: 12 }), fc.array(step), (nodes, steps) => {
      const roots = [0, 1, 2, 3].map((value) => signal(value));
      const all = [...roots];
      const plain = roots.map((root) => () => root.peek());

      for (const { sources, mod } of nodes) {
        const size = all.length;
        const pick = sources.map((i) => i % size);
        // the first decides whether the others are read
        const sum = (read) =>
          read(pick[0]) % mod === 0 ? -1 : pick.reduce((n, i) => n + read(i), 0) % 7;
        all.push(computed(() => sum((i) => all[i].value)));
        plain.push(() => sum((i) => plain[i]()));
      }

      const last = all.length - 1;
      const seen = new Map();
      const stops = new Map();
      for (const { writes, toggle } of steps) {
        const i = toggle % all.length;
        if (stops.has(i)) {
          stops.get(i)();
          stops.delete(i);
        } else {
          stops.set(i, effect(() => void seen.set(i, all[i].value)));
        }
        batch(() => {
          for (const [root, value] of writes) roots[root].value = value;
        });
        for (const each of stops.keys()) assert.equal(seen.get(each), plain[each]());
        assert.equal(all[last].value, plain[last]());
      }
      for (const stop of stops.values()) stop();
      for (const each of all) assert.equal(each.observers.size, 0);
    }),
    { numRuns: 300 },
  );
});
