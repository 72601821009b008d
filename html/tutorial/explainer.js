// @ts-check
/** The token, explained: one button with latency, failure and retry. */

import { connect, effect, fromEvent, Token } from "../token.js";
import { unanswered } from "../token-zoo.js";
import { find, showConnection, showLamp, showToken } from "./frame.js";
import { drawMachine } from "./machine.js";
import { showWire } from "./wire.js";

const button = find("[data-toggle]", HTMLButtonElement);
const slow = find("[data-slow]", HTMLInputElement);
const flaky = find("[data-flaky]", HTMLInputElement);
const pressure = find("[data-pressure]", HTMLInputElement);

/** The check boxes do no more than choose a name. */
function service() {
  return (
    "toggle" + (slow.checked ? "_slow" : "") + (flaky.checked ? "_flaky" : "")
  );
}

const live = connect("/live");
const lamp = live.atom("switch");

// A click, or the one that a reload of this page has left unanswered.
const presses = unanswered(live, isToggle, fromEvent(button, "click"));
const toggle = Token(presses);

effect(() => {
  const [t] = toggle.value;

  if (t) {
    live.run(t, service());
  }
});

/** @param {{service: string}} command */
function isToggle({ service }) {
  return service.startsWith("toggle");
}

showConnection(live);
showLamp(lamp);
showToken(
  button,
  find("[data-error]", HTMLElement),
  toggle,
  () => pressure.checked,
);
drawMachine(toggle, button);
showWire(live, toggle);

effect(() => {
  const name = find("[data-service]", HTMLElement);
  const show = () => {
    name.textContent = service();
  };

  slow.addEventListener("change", show);
  flaky.addEventListener("change", show);
  show();
});
