// @ts-check
/** All or nothing: one token that is made of those of several places. */

import { computed, connect, effect, signal, Token } from "../token.js";
import { compose, diff, trace, withRequest } from "../token-zoo.js";
import { find, showConnection } from "./frame.js";

/** What an account has before anybody has moved anything. */
const INITIAL = 100;
/** The amount at which a bar is full. */
const FULL = 250;

const live = connect("/live");
const accounts = live.family("account/*");
const closed = live.atom("account/closed");

const form = find("[data-form]", HTMLFormElement);
const buttons = [...form.querySelectorAll("button")];

/**
 * An account: a place with a token of its own.
 *
 * @param {string} name
 */
function place(name) {
  const asked = signal(/** @type {{amount: number} | null} */ (null));
  const token = Token(asked);

  return {
    name,
    token,
    /** @param {number} amount */
    ask(amount) {
      asked.value = { amount };
      return token.peek();
    },
  };
}

const places = {
  left: place("left"),
  right: place("right"),
  house: place("house"),
  closed: place("closed"),
};

/** @typedef {keyof typeof places} Name */

/**
 * One account's part of it, with the account's own token.
 *
 * @param {Name} name
 * @param {number} amount
 */
function part(name, amount) {
  const [t] = places[name].ask(amount);

  return t && withRequest(t, "move", { account: name, amount });
}

/**
 * @param {Name} from
 * @param {Name} to
 * @param {number} amount
 * @param {boolean} fee
 */
function transfer(from, to, amount, fee) {
  const whole = compose(
    "transfer",
    compose("amount", part(from, -amount), part(to, amount)),
    fee ? compose("fee", part(from, -1), part("house", 1)) : null,
  );

  show(whole);
  return live.run(whole);
}

const all = Object.values(places);
const busy = computed(() => all.some(({ token }) => token.value[0] !== null));
const last = signal(/** @type {ReturnType<typeof transfer> | null} */ (null));

form.addEventListener("submit", (event) => {
  event.preventDefault();

  const button = /** @type {HTMLButtonElement | null} */ (event.submitter);
  // Enter in a field: the first button is meant.
  const [from, to] = /** @type {Name[]} */ (
    (button ?? buttons[0]).value.split(" ")
  );
  const data = new FormData(form);

  if (!busy.peek()) {
    last.value = transfer(from, to, Number(data.get("amount")), data.has("fee"));
  }
});

/** @type {ReturnType<typeof compose> | null} */
let before = null;

/** @param {ReturnType<typeof compose>} whole */
function show(whole) {
  find("[data-trace]", HTMLElement).textContent = trace(whole);

  if (before) {
    find("[data-diff]", HTMLElement).textContent = diff(before, whole);
  }

  before = whole;
}

showConnection(live);

// --- the accounts

/** @param {Name} name */
function amountOf(name) {
  if (name === "closed") {
    return closed.value;
  }

  return accounts.synced.value || accounts.value.size > 0
    ? (accounts.value.get(`account/${name}`) ?? INITIAL)
    : undefined;
}

for (const { name, token } of all) {
  const row = find(`[data-account="${name}"]`, HTMLElement);
  const amount = find(
    `[data-account="${name}"] [data-amount]`,
    HTMLOutputElement,
  );
  const bar = row.querySelector("[data-bar]");

  effect(() => {
    const [t, error] = token.value;

    row.dataset.state = t ? "busy" : error !== null ? "failed" : "idle";
  });

  effect(() => {
    const value = amountOf(/** @type {Name} */ (name));

    amount.value =
      value === undefined
        ? "…"
        : typeof value === "number"
          ? String(value)
          : JSON.stringify(value);
    bar?.setAttribute(
      "width",
      `${Math.max(0, Math.min(100, (Number(value) / FULL) * 100)) || 0}%`,
    );
  });
}

effect(() => {
  const amounts = /** @type {Name[]} */ (["left", "right", "house"]).map(
    amountOf,
  );

  find("[data-sum]", HTMLOutputElement).value = amounts.includes(undefined)
    ? "…"
    : String(amounts.reduce((sum, each) => sum + each, 0));
});

// --- the answer

/** The button that is to have the focus again. */
let held = /** @type {Element | null} */ (null);

effect(() => {
  const focused = /** @type {any} */ (document.activeElement);

  if (busy.value) {
    held = buttons.includes(focused) ? focused : null;
  }

  for (const button of buttons) {
    button.disabled = busy.value;
    button.ariaBusy = String(busy.value);
  }

  if (!busy.value && held instanceof HTMLElement) {
    held.focus();
    held = null;
  }
});

effect(() => {
  const state = last.value?.state.value;
  const verdict = find("[data-verdict]", HTMLElement);
  const count = last.value?.requests?.length ?? 0;
  const error = last.value?.error;

  find("[data-error]", HTMLElement).textContent = error
    ? (error.message ?? error.code)
    : "";
  verdict.dataset.state = state ?? "";
  verdict.textContent =
    state === undefined
      ? ""
      : state === "ok"
        ? `ok: ${count} requests, one commit. All of them are done.`
        : error
          ? `${state}: ${error.code}. None of the ${count} is done.`
          : `${count} requests are on the way, as one.`;
});
