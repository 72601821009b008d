// @ts-check
/**
 * Commands that an earlier load of the page has left.
 *
 * @module
 */

import { effect, untracked } from "./signal.js";
import { end } from "./token.js";

/** @typedef {import("./command.js").Command} Command */
/** @typedef {import("./live.js").Live} Live */
/**
 * @template [E=any]
 * @typedef {import("./token.js").Source<E>} Source
 */

/**
 * A source of the commands that an earlier load of the page has left and that
 * no token stands for, and of the events of `source`.  A token that takes its
 * events from here comes up as it was: live.run() goes on with the command.
 * One at a time: the next is offered when another is done.
 * @template [E=never]
 * @param {Live} live
 * @param {string | ((command: Command) => boolean)} which  a service, or a test
 * @param {Source<E>} [source]
 * @returns {{subscribe(fn: (event: E | Command) => void): () => void}}
 */
export function unanswered(live, which, source) {
  const concerns =
    typeof which === "function"
      ? which
      : (/** @type {Command} */ { service }) => service === which;

  return {
    subscribe(fn) {
      const events = source?.subscribe(fn);
      const stop = effect(() => {
        for (const command of live.commands.value) {
          if (!command.restored || command.token) continue;
          untracked(() => concerns(command) && fn(command));
        }
      });
      return () => {
        end(events);
        stop();
      };
    },
  };
}
