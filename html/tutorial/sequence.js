// @ts-check
/**
 * The recording of one token: every step with its time, drawn between two
 * lines of life, the page's and the server's.  It can be played again: the
 * slider goes from step to step, and the drawing of the states goes with it.
 */

import { effect, signal, spend, untracked } from "../token.js";
import { find } from "./frame.js";
import { summary } from "./wire.js";

/**
 * @typedef {"here" | "out" | "in"} Way
 * @typedef {{time: number, way: Way, text: string, state: string}} Step
 * @typedef {import("../token/token.js").Spend<any>} Spend
 * @typedef {import("../token/command.js").Command} Command
 */

const ENDS = new Set(["ok", "rejected", "failed", "superseded", "interrupted"]);

/** @type {Record<string, string>} */
const LINE = {
  waiting: "the line is cut",
  offline: "this machine is offline",
  open: "the line is back",
};

/**
 * @param {import("./frame.js").Live} live
 */
export function record(live) {
  const steps = signal(/** @type {readonly Step[]} */ ([]));
  const at = signal(-1);
  let start = 0;
  let state = "idle";
  /** @type {Command | null} */
  let command = null;

  /**
   * @param {Way} way
   * @param {string} text
   */
  const add = (way, text) => {
    const time = Math.round(performance.now() - start);
    const known = steps.peek();

    // Whoever looks at the newest step goes on to the next.
    const follows = at.peek() === known.length - 1;

    steps.value = [...known, { time, way, text, state }];
    at.value = follows ? known.length : at.peek();
  };

  live.onMessage(({ direction, message }) => {
    if (command === null || !concerns(message, command)) {
      return;
    }

    if (ENDS.has(message.outcome)) {
      state = message.outcome;
    } else if (message.outcome === "running") {
      state = "running";
    }

    add(direction, summary(message));
  });

  effect(() => {
    const text = LINE[live.status.value];

    untracked(() => {
      if (command !== null && text) {
        add("here", text);
      }
    });
  });

  draw(steps, at);

  return {
    /**
     * @param {Spend} t
     * @param {Command} asked
     */
    start(t, asked) {
      start = performance.now();
      state = "pending";
      command = asked;
      steps.value = [];
      at.value = -1;
      add("here", "you press, and there is a token t");

      spend(
        Object.assign((/** @type {any} */ error) => end(t, error), {
          event: t.event,
        }),
        asked,
      );
    },
  };

  /**
   * @param {Spend} t
   * @param {any} error
   */
  function end(t, error) {
    // Spent already: this call changes nothing.
    if (command === null) {
      return false;
    }

    add("here", error ? `t(${error.code}): failed, and why` : "t(): spent");
    command = null;
    return t(error);
  }
}

/**
 * @param {any} message
 * @param {Command} command
 */
function concerns({ type, id, ids, channel }, command) {
  if (type === "atom") {
    return channel === "switch" || channel === "profile";
  }

  return id === command.id || Boolean(ids?.includes(command.id));
}

/**
 * @param {{value: readonly Step[]}} steps
 * @param {{value: number, peek(): number}} at
 */
function draw(steps, at) {
  const rows = find("[data-steps]", HTMLOListElement);
  const slider = find("[data-at]", HTMLInputElement);
  const machine = find("[data-life]", SVGSVGElement);

  effect(() => {
    const known = steps.value;

    while (rows.children.length > known.length) {
      rows.lastElementChild?.remove();
    }

    for (const [i, step] of known.entries()) {
      if (i >= rows.children.length) {
        rows.append(row(step));
      }
    }

    slider.max = String(Math.max(0, known.length - 1));
    slider.disabled = known.length < 2;
  });

  effect(() => {
    const step = steps.value[at.value];

    slider.value = String(at.value);
    slider.ariaValueText = step ? `${step.time} ms: ${step.text}` : "";
    machine.dataset.state = step?.state ?? "idle";

    for (const [i, item] of [...rows.children].entries()) {
      item.ariaCurrent = i === at.value ? "step" : null;
    }
  });

  slider.addEventListener("input", () => {
    at.value = slider.valueAsNumber;
  });
}

/** @param {Step} step */
function row({ time, way, text, state }) {
  const item = document.createElement("li");

  item.dataset.way = way;
  item.dataset.state = state;

  for (const [name, words] of [
    ["when", `${time} ms`],
    ["unseen", { here: "here:", out: "to nginx:", in: "from nginx:" }[way]],
    ["what", text],
  ]) {
    const span = document.createElement("span");

    span.className = name;
    span.textContent = words;
    item.append(span);
  }

  return item;
}
