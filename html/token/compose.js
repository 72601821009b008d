// @ts-check
/**
 * Composite tokens: one spend, all children.
 *
 * @module
 */

/**
 * @template [E=any]
 * @typedef {import("./token.js").Spend<E>} Spend
 */

/**
 * The same children are the same intent, however often they are composed: an
 * effect that comes by again must not send again.
 * @typedef {{intent?: object, next: WeakMap<object, Node>}} Node
 */

/** @type {WeakMap<object, Node>} */
const intents = new WeakMap();

/**
 * A token that spends all of its children, in their order, with what it is
 * called with.  A child that throws is reported with the composite's name; the
 * others are spent all the same, and then the first error is thrown.
 *
 * It asks for what its children ask for, all or nothing, and is aborted when
 * one of them is.
 * @param {string} name
 * @param {...(Spend | ((error?: any) => unknown) | null | undefined)} children
 *     null and undefined are left out
 * @returns {Spend}
 */
export function compose(name, ...children) {
  const all = /** @type {Spend[]} */ ([...new Set(children)].filter(Boolean));
  const requests = all.flatMap((child) => child.requests ?? []);
  const rejects = all.some((child) => child.reject);

  /** @param {(child: Spend) => unknown} spend */
  const each = (spend) => {
    /** @type {{error: unknown} | null} */
    let thrown = null;
    let kept = false;

    for (const child of all) {
      try {
        if (spend(child) === true) kept = true;
      } catch (error) {
        console.error(`token: a child of "${name}" has thrown`, error);
        thrown ??= { error };
      }
    }
    if (thrown) throw thrown.error;
    return kept;
  };

  return Object.assign(
    /** @param {any[]} args */
    (...args) =>
      each((child) => {
        // a result is not for those that would take it for an error
        const own = rejects && !child.reject ? [] : args;
        return /** @type {Function} */ (child)(...own);
      }),
    {
      event: all[0]?.event,
      label: name,
      children: all,
      root: intentOf(all),
      signal: anyOf(all),
      requests: requests.length > 0 ? requests : undefined,
    },
    rejects && {
      reject: (/** @type {any} */ error) =>
        each((child) => (child.reject ?? child)(error)),
    },
  );
}

/** @param {Spend[]} tokens */
function intentOf(tokens) {
  /** @type {Node} */
  let node = { next: intents };
  // one without children is made anew each time
  for (const t of tokens.filter(hasLeaf)) {
    const key = t.root ?? t;
    const next = node.next.get(key) ?? { next: new WeakMap() };
    node.next.set(key, next);
    node = next;
  }
  return (node.intent ??= {});
}

/**
 * @param {Spend} token
 * @returns {boolean}
 */
function hasLeaf({ children }) {
  return !children || children.some(hasLeaf);
}

/**
 * @param {Spend[]} tokens
 * @returns {AbortSignal | undefined} aborted when the first of theirs is
 */
function anyOf(tokens) {
  const signals = tokens.flatMap(({ signal }) => (signal ? [signal] : []));
  if (signals.length < 2) return signals[0];

  const controller = new AbortController();
  const abort = () => controller.abort();
  for (const signal of signals) {
    if (signal.aborted) abort();
    else signal.addEventListener("abort", abort, { once: true });
  }
  return controller.signal;
}
