// @ts-check
/** Commands that an earlier load of the page has left without an answer. */

import { effect, untracked } from "../token.js";

/**
 * A source of the events of another source, and of the commands of a service
 * that are still unanswered from before a reload.
 *
 * A token that takes its events from here comes up busy after the reload.  The
 * commands that it brings about itself come by here as well: it is busy with
 * them then, and discards the event.
 *
 * @template E
 * @param {import("./frame.js").Live} live
 * @param {RegExp} name  of the service
 * @param {{subscribe(fn: (event: E) => void): () => void}} source
 */
export function withUnanswered(live, name, source) {
  const seen = new WeakSet();

  return {
    /** @param {(event: any) => void} fn */
    subscribe(fn) {
      const stop = source.subscribe(fn);
      const end = effect(() => {
        for (const command of live.commands.value) {
          if (!seen.has(command) && name.test(command.service)) {
            seen.add(command);
            untracked(() => (isOpen(command) ? fn(command) : command.discard()));
          }
        }
      });

      return () => {
        stop();
        end();
      };
    },
  };
}

/** @param {{state: {peek(): string}}} command */
function isOpen(command) {
  const state = command.state.peek();

  return state === "pending" || state === "running";
}
