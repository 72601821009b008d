// @ts-check
/** Who the session is, and what follows from it for the form. */

import { effect } from "../token.js";
import { find } from "./frame.js";

/**
 * @param {import("./frame.js").Live} live
 * @param {HTMLFormElement} form
 * @param {HTMLInputElement} input
 */
export function showAccount(live, form, input) {
  const account = find("[data-account]", HTMLElement);
  const login = find("[data-login]", HTMLElement);
  const logout = find("[data-logout]", HTMLElement);
  const send = find("[data-send]", HTMLButtonElement);

  effect(() => {
    const user = live.user.value;
    const named = typeof user === "string";

    account.replaceChildren(...words(user));
    login.hidden = named;
    logout.hidden = !named;

    input.disabled = send.disabled = !named;
    input.placeholder = named ? "Send message" : "Login to chat";
    form.dataset.user = named ? user : "";
  });
}

/**
 * @param {string | null | undefined} user
 * @returns {(string | Node)[]}
 */
function words(user) {
  if (user === undefined) {
    return ["Not connected yet."];
  }

  if (user === null) {
    return ["You can read along. To write, say who you are."];
  }

  const name = document.createElement("strong");

  name.textContent = user;
  return ["You are ", name, "."];
}
