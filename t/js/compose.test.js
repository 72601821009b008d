import test from "node:test";
import assert from "node:assert/strict";
import fc from "fast-check";
import { Token, effect, signal } from "../../html/token.js";
import {
  CyclicToken, WithDataSlot, compose, diff, stopErrPropagation, trace, withRequest,
} from "../../html/token-zoo.js";
import { World, listen, source } from "./fake.js";

/** a token, up */
function up() {
  const clicks = source();
  const token = Token(clicks);
  clicks.fire();
  return { token, t: token.value[0], clicks };
}

test("compose: one spend is a success for all children", () => {
  const [a, b] = [up(), up()];
  compose("both", a.t, b.t)();
  assert.deepEqual([a.token.value, b.token.value], [[null, null], [null, null]]);
});

test("compose: an error is one for all children", () => {
  const [a, b] = [up(), up()];
  assert.equal(compose("both", a.t, b.t)("no"), true);
  assert.deepEqual([a.token.value, b.token.value], [[null, "no"], [null, "no"]]);
});

test("compose: the children get the same arguments, in their order", () => {
  const calls = [];
  const child = (name) => (...args) => void calls.push([name, ...args]);
  compose("all", child("a"), null, child("b"))(1, 2);
  assert.deepEqual(calls, [["a", 1, 2], ["b", 1, 2]]);
});

test("compose: composites nest", () => {
  const [a, b, c] = [up(), up(), up()];
  compose("outer", compose("inner", a.t, b.t), c.t)("no");
  for (const { token } of [a, b, c]) assert.deepEqual(token.value, [null, "no"]);
});

test("compose: a child that throws is reported with the name, the rest is spent, the error thrown", async () => {
  const error = new Error("broken");
  const [a, b] = [up(), up()];
  const broken = () => {
    throw error;
  };
  const lines = await listen("error", () => {
    assert.throws(() => compose("transfer", a.t, broken, b.t)(), error);
  });
  assert.match(lines[0][0], /"transfer"/);
  assert.equal(lines[0][1], error);
  assert.deepEqual([a.token.value, b.token.value], [[null, null], [null, null]]);
});

test("compose: holds for any tree: one spend reaches every leaf once, with the same verdict", () => {
  const { tree } = fc.letrec((tie) => ({
    tree: fc.oneof({ maxDepth: 4 }, fc.constant("leaf"), fc.array(tie("tree"), { maxLength: 4 })),
  }));
  fc.assert(
    fc.property(tree, fc.option(fc.string({ minLength: 1 })), (shape, error) => {
      const leaves = [];
      const grow = (node) => {
        if (Array.isArray(node)) return compose("node", ...node.map(grow));
        leaves.push(up());
        return leaves.at(-1).t;
      };
      const t = grow(shape);
      t(error);
      t("late");
      for (const { token } of leaves) assert.deepEqual(token.peek(), [null, error]);
    }),
  );
});

test("compose: what the children ask for is sent as one transaction", async () => {
  const world = await World.open();
  const [a, b, c] = [up(), up(), up()];
  const t = compose(
    "transfer",
    compose("money", withRequest(a.t, "take", { n: 5 }), withRequest(b.t, "give", { n: 5 })),
    withRequest(c.t, "note"),
  );
  const command = world.live.run(t);
  await world.clock.pass(0);
  const [sent] = world.socket.take();
  assert.deepEqual(sent.requests, [
    { service: "take", value: { n: 5 } }, { service: "give", value: { n: 5 } }, { service: "note" },
  ]);
  const error = { code: "number_range" };
  await world.socket.say({ type: "outcome", id: command.id, outcome: "rejected", error });
  for (const { token } of [a, b, c]) assert.deepEqual(token.value, [null, error]);
  assert.deepEqual(world.live.commands.value, []);
});

test("compose: an effect that composes the same children again does not send again", async () => {
  const world = await World.open();
  const [a, b] = [up(), up()];
  const other = signal(0);
  effect(() => {
    other.value;
    const [s, t] = [a.token.value[0], b.token.value[0]];
    if (s && t) world.live.run(compose("both", withRequest(s, "x"), withRequest(t, "y")));
  });
  other.value = 1;
  await world.clock.pass(0);
  assert.equal(world.socket.take().length, 1);
});

test("compose: a part without children changes no intent", () => {
  const { t } = up();
  const whole = () => compose("both", compose("extras", null), t);
  assert.equal(whole().root, whole().root);
});

test("compose: one token may stand for all of the requests", async () => {
  const world = await World.open();
  const { token, t } = up();
  const command = world.live.run(
    compose("transfer", withRequest(t, "take", { n: 5 }), withRequest(t, "give", { n: 5 })),
  );
  await world.clock.pass(0);
  assert.deepEqual(world.socket.take()[0].requests.map(({ service }) => service), ["take", "give"]);
  await world.socket.say({ type: "outcome", id: command.id, outcome: "ok", seq: 1 });
  assert.deepEqual(token.value, [null, null]);
});

test("compose: other children are another intent", async () => {
  const world = await World.open();
  const [a, b] = [up(), up()];
  const one = world.live.run(compose("one", withRequest(a.t, "x")));
  const two = world.live.run(compose("two", withRequest(a.t, "x"), withRequest(b.t, "y")));
  assert.notEqual(one, two);
});

test("compose: is aborted when one of its children is", () => {
  const [x, y] = [source(), source()];
  const [a, b] = [CyclicToken(x), CyclicToken(y)];
  x.fire(1);
  y.fire(1);
  const t = compose("both", a.value, b.value);
  assert.equal(t.signal.aborted, false);
  y.fire(2);
  assert.equal(t.signal.aborted, true);
  assert.equal(compose("late", t, a.value).signal.aborted, true);
});

test("compose: a child that takes a result gets it, the others are accepted", async () => {
  const world = await World.open();
  const a = up();
  const b = up();
  const slot = WithDataSlot(a.token, null);
  const t = compose("both", slot.value[0], b.t);
  const command = world.live.run(t, "search", "x");
  await world.clock.pass(0);
  await world.socket.say({ type: "outcome", id: command.id, outcome: "ok", seq: 1, result: [1] });
  assert.deepEqual(slot.value, [null, [1]]);
  assert.deepEqual(b.token.value, [null, null]);
});

test("compose: a child that keeps its errors to itself stays up", () => {
  const [a, b] = [up(), up()];
  compose("both", a.t, stopErrPropagation(b.t))("no");
  assert.deepEqual(a.token.value, [null, "no"]);
  assert.equal(b.token.value[0], b.t);
});

test("trace: a composite is a tree of names and requests", () => {
  const [a, b, c] = [up(), up(), up()];
  const t = compose(
    "transfer",
    compose("money", withRequest(a.t, "take", { n: 5 }), withRequest(b.t, "give", { n: 5 })),
    c.t,
    function log() {},
  );
  assert.equal(trace(t), [
    "transfer",
    "├─ money",
    '│  ├─ token → take {"n":5}',
    '│  └─ token → give {"n":5}',
    "├─ token",
    "└─ log",
  ].join("\n"));
  assert.equal(trace(null), "");
});

test("diff: marks what was added, changed and retracted", () => {
  const [a, b, c, d] = [up(), up(), up(), up()];
  const before = compose("form", compose("name", a.t), compose("age", b.t), compose("city", c.t));
  const after = compose("form", compose("name", a.t), compose("age", d.t), compose("mail", c.t));
  assert.equal(diff(before, after), [
    "~ form",
    "  ├─ name",
    "  │  └─ token",
    "~ ├─ age",
    "~ │  └─ token",
    "+ ├─ mail",
    "+ │  └─ token",
    "- └─ city",
    "-    └─ token",
  ].join("\n"));
});

test("diff: of the same composite, and of none", () => {
  const { t } = up();
  const one = compose("form", t);
  assert.equal(diff(one, one), "  form\n  └─ token");
  assert.equal(diff(null, one), "+ form\n+ └─ token");
  assert.equal(diff(one, null), "- form\n- └─ token");
});
