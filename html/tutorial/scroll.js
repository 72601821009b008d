// @ts-check
/**
 * Keeps the log at its end while the reader is there, and leaves it alone
 * while he reads further up; then a button leads down.
 */

import { find } from "./frame.js";

/** Nearer than this to the end is at the end, px. */
const NEAR = 48;

export function stickToEnd() {
  const log = find("[data-log]", HTMLElement);
  const jump = find("[data-jump]", HTMLButtonElement);
  let stuck = true;
  /** @type {unknown} */
  let lastKey;

  const toEnd = () => {
    stuck = true;
    jump.hidden = true;
    log.scrollTop = log.scrollHeight;
  };

  log.addEventListener(
    "scroll",
    () => {
      stuck = log.scrollHeight - log.scrollTop - log.clientHeight < NEAR;

      if (stuck) {
        jump.hidden = true;
      }
    },
    { passive: true },
  );

  jump.addEventListener("click", () => {
    toEnd();
    log.focus();
  });

  // A line that grows (its buttons appear) moves the end as a new one does.
  const watcher = new ResizeObserver(() => {
    if (stuck) toEnd();
  });

  watcher.observe(log);

  if (log.firstElementChild) {
    watcher.observe(log.firstElementChild);
  }

  return {
    /**
     * The last line of the log is now this one.
     *
     * @param {unknown} key
     * @param {boolean} own  the reader has just written it
     */
    grown(key, own) {
      if (key === lastKey) {
        return;
      }

      lastKey = key;

      if (own || stuck) {
        toEnd();
      } else {
        jump.hidden = false;
      }
    },
  };
}
