// @ts-check
/**
 * What the client takes from the browser.  Tests inject their own.
 *
 * @module
 */

/**
 * @typedef {object} Environment
 * @property {new (url: string, protocol: string) => WebSocket} WebSocket
 * @property {Pick<Storage, "getItem" | "setItem" | "removeItem" | "key" | "length"> | null} storage
 *     where pending commands survive a reload; null: nowhere
 * @property {Pick<LockManager, "request"> | null} locks
 * @property {(new (name: string) => BroadcastChannel) | null} BroadcastChannel
 *     tells the pages of one browser apart where there are no locks
 * @property {() => number} now                     ms since the epoch
 * @property {() => number} random                  from 0 to 1, for jitter
 * @property {(bytes: Uint8Array) => unknown} fill  with random bytes, for ids
 * @property {(fn: () => void, ms: number) => any} setTimeout
 * @property {(timer: any) => void} clearTimeout
 * @property {EventTarget | null} window
 * @property {(EventTarget & {visibilityState?: string}) | null} document
 * @property {() => boolean} online
 * @property {string} base                          URLs are relative to it
 * @property {boolean} top                          not in a frame
 */

/** @typedef {Partial<Environment>} Options */

/**
 * @param {Options} options
 * @returns {Environment}
 */
export function environment(options) {
  const scope = /** @type {Partial<Window & typeof globalThis>} */ (globalThis);

  return {
    WebSocket: /** @type {any} */ (scope.WebSocket),
    storage: sessionStorageOf(scope),
    locks: scope.navigator?.locks ?? null,
    BroadcastChannel: scope.BroadcastChannel ?? null,
    now: Date.now,
    random: Math.random,
    fill: (bytes) => crypto.getRandomValues(bytes),
    setTimeout: (fn, ms) => setTimeout(fn, ms),
    clearTimeout: (timer) => clearTimeout(timer),
    window: scope.window ?? null,
    document: scope.document ?? null,
    online: () => scope.navigator?.onLine !== false,
    base: scope.document?.baseURI ?? "http://localhost/",
    top: scope.window === scope.top,
    ...options,
  };
}

/** @param {Partial<Window & typeof globalThis>} scope */
function sessionStorageOf(scope) {
  try {
    return scope.sessionStorage ?? null;
  } catch {
    return null; // the browser's settings forbid it
  }
}

/**
 * @param {string} url relative to `base`
 * @param {string} base
 * @returns {string} ws: or wss:
 */
export function socketUrl(url, base) {
  const absolute = new URL(url, base);
  absolute.protocol = absolute.protocol.replace(/^http/, "ws");
  absolute.hash = "";
  return absolute.href;
}

/**
 * Tells when the page comes, goes, and has a network.
 * @param {Environment} environment
 * @param {object} on
 * @param {() => void} on.hurry    it is worth connecting, or looking, now
 * @param {() => void} on.doubt    the connection may be dead
 * @param {() => void} on.hide     the page is left, perhaps to be shown again
 * @param {() => void} on.show     it is shown again, as it was
 */
export function watchPage({ window, document }, { hurry, doubt, hide, show }) {
  const visible = () => {
    if (document?.visibilityState === "visible") hurry();
  };
  /** @param {Event} event */
  const shown = (event) => {
    if (/** @type {PageTransitionEvent} */ (event).persisted) show();
  };

  window?.addEventListener("online", hurry);
  window?.addEventListener("offline", doubt);
  window?.addEventListener("pagehide", hide);
  window?.addEventListener("pageshow", shown);
  document?.addEventListener("visibilitychange", visible);
}
