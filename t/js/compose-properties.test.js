/** Composites of any shape, with children that are shared, broken, or missing. */

import test from "node:test";
import assert from "node:assert/strict";
import fc from "fast-check";
import { Token } from "../../html/token.js";
import { CyclicToken, compose, withRequest } from "../../html/token-zoo.js";
import { listen, source } from "./fake.js";

const LEAVES = 5;

/** a number is a leaf: the same number, the same child */
const { tree } = fc.letrec((tie) => ({
  tree: fc.oneof(
    { maxDepth: 3 },
    fc.nat(LEAVES - 1),
    fc.constant(null),
    fc.array(tie("tree"), { maxLength: 4 }),
  ),
}));
const shapes = fc.array(tree, { maxLength: 4 });

const grow = (shape, leaves, name = "top") =>
  Array.isArray(shape) ? compose(name, ...shape.map((each, i) => grow(each, leaves, `${name}.${i}`)))
    : shape === null ? null : leaves[shape];

/** the leaves in the order in which they come first */
const leavesOf = (shape) => [...new Set(shape.flat(Infinity).filter((each) => each !== null))];

/** a token that is up, and counts what it is spent with */
function up() {
  const clicks = source();
  const token = Token(clicks);
  const verdicts = [];
  clicks.fire();
  const [t] = token.peek();
  const counted = Object.assign((...args) => {
    if (t === token.peek()[0]) verdicts.push(args);
    return t(...args);
  }, { event: t.event });
  return { token, t: counted, verdicts, clicks };
}

test("compose: whatever the shape, one spend spends every leaf once, later ones none", () => {
  fc.assert(
    fc.property(shapes, fc.array(fc.option(fc.string({ minLength: 1 })), { minLength: 1 }), (shape, errors) => {
      const leaves = Array.from({ length: LEAVES }, up);
      const t = grow(shape, leaves.map(({ t }) => t));
      const present = leavesOf(shape);
      const kept = errors.map((error) => t(error, "more"));

      // the verdict is the first one, for all, with all its arguments
      leaves.forEach(({ token, verdicts }, i) => {
        assert.deepEqual(verdicts, present.includes(i) ? [[errors[0], "more"]] : []);
        if (present.includes(i)) assert.deepEqual(token.peek(), [null, errors[0]]);
      });
      // the error is kept where a child keeps it, and only by the spend that counts
      assert.equal(kept[0], present.length > 0 && errors[0] !== null);
      assert.ok(kept.slice(1).every((each) => each === false));

      // a spent composite does not touch the tokens that come after
      for (const { clicks } of leaves) clicks.fire();
      const next = leaves.map(({ token }) => token.peek());
      t("late");
      assert.deepEqual(leaves.map(({ token }) => token.peek()), next);
    }),
  );
});

test("compose: a child that throws is told of at every level, and stops no other child", async () => {
  await fc.assert(
    fc.asyncProperty(shapes, fc.uniqueArray(fc.nat(LEAVES - 1)), async (shape, broken) => {
      const calls = [];
      const errors = Array.from({ length: LEAVES }, (_, i) => new Error(`leaf ${i}`));
      const leaves = errors.map((error, i) => () => {
        calls.push(i);
        if (broken.includes(i)) throw error;
      });
      const t = grow(shape, leaves);
      const first = leavesOf(shape).find((i) => broken.includes(i));

      const lines = await listen("error", () => {
        // the first error is thrown, when all the others have been spent
        if (first === undefined) t();
        else assert.throws(t, errors[first]);
      });
      assert.deepEqual(calls, callsOf(shape));
      assert.deepEqual(lines.map(([line]) => line.match(/"(.*)"/)[1]), namesOf(shape, broken));
    }),
  );
});

/** the calls of plain functions: once per composite in which they are */
function callsOf(shape) {
  const children = shape.filter((each) => each !== null);
  const once = children.filter((each, i) => Array.isArray(each) || children.indexOf(each) === i);
  return once.flatMap((each) => (Array.isArray(each) ? callsOf(each) : [each]));
}

/** the composites that report, inner ones first: one line for each broken child */
function namesOf(shape, broken, name = "top") {
  return shape.flatMap((each, i) => {
    if (!Array.isArray(each)) return broken.includes(each) && shape.indexOf(each) === i ? [name] : [];
    const inner = namesOf(each, broken, `${name}.${i}`);
    return inner.length > 0 ? [...inner, name] : [];
  });
}

test("compose: asks for what its leaves ask for, in their order, and is aborted with any of them", () => {
  fc.assert(
    fc.property(shapes, fc.nat(LEAVES - 1), (shape, gone) => {
      const events = Array.from({ length: LEAVES }, source);
      const tokens = events.map((each) => CyclicToken(each));
      for (const each of events) each.fire("event");
      const leaves = tokens.map((each, i) => withRequest(each.peek(), `service ${i}`));
      const t = grow(shape, leaves);
      const present = leavesOf(shape);

      const asked = (t.requests ?? []).map(({ service }) => Number(service.at(-1)));
      assert.deepEqual(asked, callsOf(shape));
      assert.equal(t.signal?.aborted ?? false, false);
      events[gone].fire("next");
      assert.equal(t.signal?.aborted ?? false, present.includes(gone));
      // the same children are the same intent, aborted or not; others are another
      if (present.length > 0) assert.equal(grow(shape, leaves).root, t.root);
      assert.equal(grow(shape, leaves).signal?.aborted ?? false, present.includes(gone));
      assert.notEqual(compose("other", t, () => {}).root, t.root);
    }),
  );
});
