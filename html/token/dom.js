// @ts-check
/**
 * The few things that pages do with the DOM again and again.
 *
 * @module
 */

import { effect, scope, signal } from "./signal.js";

/**
 * @template T
 * @typedef {import("./signal.js").ReadonlySignal<T>} ReadonlySignal
 */

/**
 * The events of a target, as a source.
 * @template [E=Event]
 * @param {EventTarget} target
 * @param {string} type
 * @param {(event: any) => E | null | undefined} [map]
 *     what the event means; null or undefined: nothing
 * @returns {{subscribe(fn: (event: E) => void): () => void}}
 */
export function fromEvent(target, type, map = (event) => event) {
  return {
    subscribe(fn) {
      /** @param {Event} event */
      const listener = (event) => {
        const value = map(event);
        if (value !== null && value !== undefined) fn(value);
      };
      target.addEventListener(type, listener);
      return () => target.removeEventListener(type, listener);
    },
  };
}

/**
 * Keeps the children of `parent` in step with a list: one child per key, made
 * once, moved only where the order has changed.  `parent` has no others.
 * @template T
 * @param {Element} parent
 * @param {ReadonlySignal<readonly T[]>} rows
 * @param {(row: ReadonlySignal<T>) => Element} create
 *     the effects that it makes end with the child
 * @param {(row: T) => unknown} [key] default: its `key`
 * @returns {() => void} ends it, and removes the children
 */
export function list(parent, rows, create, key = keyOf) {
  /** @type {Map<unknown, {row: {value: T}, node: Element, stop: () => void}>} */
  let children = new Map();

  /** @param {T} value */
  const child = (value) => {
    const row = signal(value);
    const [node, stop] = scope(() => create(row));
    return { row, node, stop };
  };

  const update = () => {
    const before = children;
    children = new Map();

    for (const value of rows.value) {
      const id = key(value);
      const known = before.get(id) ?? children.get(id);
      if (known) known.row.value = value;
      children.set(id, known ?? child(value));
      before.delete(id);
    }

    remove(before.values());
    arrange(parent, [...children.values()].map(({ node }) => node));
  };

  const stop = effect(update);
  return () => {
    stop();
    remove(children.values());
  };
}

/** @param {any} row */
function keyOf(row) {
  return row.key;
}

/** @param {Iterable<{node: Element, stop: () => void}>} children */
function remove(children) {
  for (const { node, stop } of children) {
    stop();
    node.remove();
  }
}

/**
 * @param {Element} parent
 * @param {Element[]} nodes
 */
function arrange(parent, nodes) {
  /** @type {Element | null} */
  let next = null;
  for (const node of nodes.reverse()) {
    if (node.nextSibling !== next || node.parentNode !== parent) {
      parent.insertBefore(node, next);
    }
    next = node;
  }
}
