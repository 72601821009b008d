// @ts-check
/** The start page: one switch that belongs to everybody. */

import { connect, effect, fromEvent, Token } from "../token.js";
import { find, showConnection, showLamp, showToken } from "./frame.js";

const live = connect("/live");
const lamp = live.atom("switch");
const button = find("[data-toggle]", HTMLButtonElement);
const toggle = Token(fromEvent(button, "click"));

showConnection(live);
showLamp(lamp);
showToken(button, find("[data-error]", HTMLElement), toggle);

effect(() => {
  const [t] = toggle.value;

  if (t) {
    live.run(t, "toggle");
  }
});

effect(() => {
  const version = find("[data-version]", HTMLElement);

  void lamp.value;
  version.textContent =
    lamp.seq === undefined ? "\u00a0" : `version ${lamp.seq}`;
});
