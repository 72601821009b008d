// @ts-check
/**
 * Declarative HTML: binds elements by their attributes, those that are there
 * and those that come.
 *
 * @module
 */

import { bindField, bindLog, bindPresence } from "./html-list.js";
import { bindButton, bindControl, bindForm } from "./html-service.js";
import {
  bindAtom,
  bindEnabled,
  bindPlaceholder,
  bindStatus,
  bindUser,
  bindWhen,
} from "./html-session.js";
import { connect, Live } from "./live.js";
import { guarded, scope } from "./signal.js";

/**
 * What a binding knows.
 * @typedef {object} Context
 * @property {Live} live
 * @property {import("./signal.js").ReadonlySignal<any>} [record] of the row
 * @property {(root: Element, context: Context) => () => void} bind
 *     what is in `root`; what it returns ends that
 */

/** @typedef {(element: Element, context: Context) => void} Binding */

const CONTROL = "input, select, textarea";

/** @type {[string, Binding][]} */
const BINDINGS = [
  ["form[token-service]", bindForm],
  [`:is(${CONTROL})[token-service]`, bindControl],
  [`[token-service]:not(form, ${CONTROL})`, bindButton],
  [`[token-atom]:not(form, ${CONTROL})`, bindAtom],
  ["[token-log]", bindLog],
  ["[token-presence]", bindPresence],
  ["[token-field]", bindField],
  ["[token-user]", bindUser],
  ["[token-status]", bindStatus],
  ["[token-when]", bindWhen],
  [`[token-enabled]:not([token-service]), :is(${CONTROL})[token-enabled]`, bindEnabled],
  ["[token-placeholder]", bindPlaceholder],
];

const ANY = BINDINGS.map(([selector]) => selector).join(", ");

/**
 * @param {Document | Element} root
 * @param {object} [options]
 * @param {string} [options.url]  where no [token-live] around an element says
 *     another
 * @param {(url: string) => Live} [options.open]
 * @returns {{live: (url?: string) => Live | null, stop: () => void}}
 */
export function start(root, { url, open = connect } = {}) {
  /** @type {Map<string, Live>} */
  const lives = new Map();
  /** @type {Map<Element, () => void>} */
  const bound = new Map();

  /** @param {string | null | undefined} at */
  const live = (at = url) => {
    if (!at) return null;
    const known = lives.get(at) ?? open(at);
    lives.set(at, known);
    return known;
  };

  /** @param {Element} element @param {Context | null} given */
  const bindOne = (element, given) => {
    if (bound.has(element)) return;
    const at = element.closest("[token-live]")?.getAttribute("token-live");
    const own = given?.live ?? live(at || url);
    if (!own) return console.error("token: no token-live for", element);

    const context = { ...given, live: own, bind };
    const [, stop] = scope(() => {
      for (const [selector, binding] of BINDINGS) {
        // one that is wrong harms no other
        if (element.matches(selector)) guarded(() => binding(element, context));
      }
    });
    bound.set(element, stop);
  };

  /** @param {Element} top */
  const unbind = (top) => {
    for (const each of inside(top)) {
      bound.get(each)?.();
      bound.delete(each);
    }
  };

  /** @param {Element} top @param {Context | null} context */
  const bind = (top, context) => {
    for (const each of inside(top)) bindOne(each, context);
    return () => unbind(top);
  };

  const Observer = (root.ownerDocument ?? /** @type {Document} */ (root)).defaultView
    ?.MutationObserver;
  const observer = Observer && new Observer((changes) => {
    for (const { removedNodes, addedNodes } of changes) {
      for (const node of removedNodes) {
        if (isElement(node) && !node.isConnected) unbind(node);
      }
      for (const node of addedNodes) {
        if (isElement(node) && node.isConnected) bind(node, null);
      }
    }
  });

  for (const each of root.querySelectorAll(ANY)) bindOne(each, null);
  observer?.observe(root, { childList: true, subtree: true });

  const stop = () => {
    observer?.disconnect();
    for (const end of bound.values()) end();
    bound.clear();
  };
  return { live, stop };
}

/**
 * @param {Element} top
 * @returns {Element[]} what is to be bound, itself included
 */
function inside(top) {
  const below = [...top.querySelectorAll(ANY)];
  return top.matches(ANY) ? [top, ...below] : below;
}

/**
 * @param {Node} node
 * @returns {node is Element}
 */
function isElement(node) {
  return node.nodeType === 1;
}
