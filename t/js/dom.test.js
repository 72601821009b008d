import test from "node:test";
import assert from "node:assert/strict";
import { effect, fromEvent, list, signal } from "../../html/token.js";

/** as much of an element as list() needs */
class Node {
  children = [];
  parentNode = null;
  moves = 0;
  get nextSibling() {
    const { children } = this.parentNode ?? { children: [] };
    return children[children.indexOf(this) + 1] ?? null;
  }
  insertBefore(node, next) {
    this.moves++;
    node.remove();
    this.children.splice(next ? this.children.indexOf(next) : this.children.length, 0, node);
    node.parentNode = this;
  }
  remove() {
    if (!this.parentNode) return;
    this.parentNode.children = this.parentNode.children.filter((each) => each !== this);
    this.parentNode = null;
  }
}

function start(...keys) {
  const parent = new Node();
  const rows = signal(keys.map((key) => ({ key, text: key })));
  const effects = [];
  const stop = list(parent, rows, (row) => {
    const node = new Node();
    effect(() => {
      node.text = row.value.text;
      effects.push(row.value.text);
    });
    return node;
  });
  const set = (...keys) => {
    parent.moves = 0;
    rows.value = keys.map((key) => ({ key, text: key }));
  };
  const text = () => parent.children.map(({ text }) => text).join("");
  return { parent, rows, stop, set, text, effects };
}

test("there is one child per key, in order", () => {
  const { parent, set, text } = start("a", "b");
  assert.equal(text(), "ab");
  const [a, b] = parent.children;
  set("b", "c", "a");
  assert.equal(text(), "bca");
  assert.deepEqual([parent.children[0], parent.children[2]], [b, a]);
});

test("what is appended is inserted once, the others are not touched", () => {
  const { parent, set, text } = start("a", "b", "c");
  set("a", "b", "c", "d");
  assert.equal(text(), "abcd");
  assert.equal(parent.moves, 1);
  set("b", "c", "d");
  assert.equal(parent.moves, 0);
});

test("a row of the same key is updated in place", () => {
  const { parent, rows } = start("a");
  const [node] = parent.children;
  rows.value = [{ key: "a", text: "A" }];
  assert.equal(parent.children[0], node);
  assert.equal(node.text, "A");
});

test("the effects of a child end with it, and only then", () => {
  const { rows, effects, set, stop, parent } = start("a", "b");
  effects.length = 0;
  set("b");
  set("b", "x");
  stop();
  assert.deepEqual(effects, ["b", "x", "b"]);
  rows.value = [{ key: "b", text: "late" }];
  assert.deepEqual(effects.length, 3);
  assert.deepEqual(parent.children, []);
});

test("keys can be given by a function", () => {
  const parent = new Node();
  const rows = signal([1, 2]);
  list(parent, rows, () => new Node(), (row) => row);
  const [one] = parent.children;
  rows.value = [2, 1];
  assert.equal(parent.children[1], one);
});

test("fromEvent maps events, and those that mean nothing are none", () => {
  const target = new EventTarget();
  const seen = [];
  const values = [null, "a", undefined, ""];
  const stop = fromEvent(target, "submit", () => values.shift()).subscribe((value) => seen.push(value));
  for (let i = 0; i < 4; i++) target.dispatchEvent(new Event("submit"));
  stop();
  target.dispatchEvent(new Event("submit"));
  assert.deepEqual(seen, ["a", ""]);
});
