// @ts-check
/**
 * Who may go on with what another page load has left in the session storage?
 * A duplicated tab has a copy of it, while the tab that it comes from lives.
 * So each page holds a lock of the name of its own part, and takes over a part
 * only when its lock is free.
 *
 * @module
 */

/** @typedef {import("./environment.js").Environment} Environment */

/** ms; a reload may overtake the end of the page that was there before */
const PATIENCE = 1_500;
/** ms; a page answers as soon as it runs */
const ANSWER = 200;

/**
 * @param {string} name
 * @param {Environment} env
 * @returns {Promise<(() => void) | null>} releases it; null: another has it
 */
export function claim(name, env) {
  if (env.locks) return lock(name, env, env.locks);
  if (env.BroadcastChannel) return ask(name, env, env.BroadcastChannel);
  // the server's ledger keeps tokens single, whoever sends them
  return Promise.resolve(() => {});
}

/**
 * @param {string} name
 * @param {Environment} env
 * @param {Pick<LockManager, "request">} locks
 * @returns {Promise<(() => void) | null>}
 */
function lock(name, env, locks) {
  return new Promise((resolve) => {
    const controller = new AbortController();
    const timer = env.setTimeout(() => controller.abort(), PATIENCE);

    const held = () =>
      new Promise((release) => {
        env.clearTimeout(timer);
        resolve(() => release(undefined));
      });

    locks
      .request(name, { signal: controller.signal }, held)
      .catch(() => resolve(null));
  });
}

/**
 * Without locks (a page that is not a secure context): asks the other pages.
 * @param {string} name
 * @param {Environment} env
 * @param {new (name: string) => BroadcastChannel} BroadcastChannel
 * @returns {Promise<(() => void) | null>}
 */
function ask(name, env, BroadcastChannel) {
  return new Promise((resolve) => {
    const channel = new BroadcastChannel(name);

    const timer = env.setTimeout(() => {
      channel.onmessage = ({ data }) => {
        if (data === "whose?") channel.postMessage("mine");
      };
      resolve(() => channel.close());
    }, ANSWER);

    channel.onmessage = ({ data }) => {
      if (data !== "mine") return;
      env.clearTimeout(timer);
      channel.close();
      resolve(null);
    };
    channel.postMessage("whose?");
  });
}
