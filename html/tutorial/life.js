// @ts-check
/** The life of a token: what becomes of it, recorded step by step. */

import { connect, effect, fromEvent, Token } from "../token.js";
import { find, showConnection, showLamp } from "./frame.js";
import { record } from "./sequence.js";

const live = connect("/live");
const lamp = live.atom("switch");
const profile = live.atom("profile");
const scenes = find("[data-scenes]", HTMLElement);

/** What each of the four presses asks for. */
const ASKS = {
  ok: () => live.send("toggle_slow"),

  // No longer, or not yet, the version that the profile has.
  rejected: () =>
    live.send("save_profile", {
      value: profile.value ?? {},
      version: profile.seq ? profile.seq - 1 : 1,
    }),

  failed: () => live.send("broken"),

  superseded: () => {
    const command = live.send("toggle_slow");

    setTimeout(() => command.cancel(), 300);
    return command;
  },
};

const presses = fromEvent(scenes, "click", pressed);
const token = Token(presses);
const recording = record(live);

effect(() => {
  const [t] = token.value;

  if (t) {
    recording.start(t, ASKS[t.event]());
  }
});

/**
 * Which ending somebody wants to see.
 *
 * @param {MouseEvent} event
 * @returns {keyof typeof ASKS | null}
 */
function pressed({ target }) {
  const button = target instanceof Element ? target.closest("button") : null;

  return /** @type {keyof typeof ASKS | null} */ (button?.value ?? null);
}

showConnection(live);
showLamp(lamp);

// The buttons are not disabled: it is the token that discards the press.
effect(() => {
  const [t, err] = token.value;

  for (const button of scenes.querySelectorAll("button")) {
    const mine = t?.event === button.value;

    button.ariaBusy = String(mine);
    button.ariaDisabled = String(t !== null && !mine);
  }

  find("[data-pair]", HTMLElement).textContent =
    t !== null ? "[t, –]" : err !== null ? `[–, ${err.code}]` : "[–, –]";
});
