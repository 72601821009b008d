// @ts-check
/** Upvote: one token for a whole list, with a stamp that says for which item. */

import { connect, effect, fromEvent } from "../token.js";
import { StampedToken } from "../token-zoo.js";
import { drawErrand, since } from "./errand.js";
import { find, showConnection } from "./frame.js";

/** How long a press that was dropped is seen, ms. */
const DROPPED = 900;

const ballot = find("[data-ballot]", HTMLElement);
const slow = find("[data-slow]", HTMLInputElement);

const live = connect("/live");
const votes = live.family("votes/*");

// The event is the item's name; the token carries it as its stamp.
const presses = fromEvent(ballot, "click", itemOf);
const vote = StampedToken(presses);

effect(() => {
  const [item, t] = vote.value;

  if (t) {
    live.run(t, slow.checked ? "vote_slow" : "vote", { item });
  }
});

/** @param {Event} event */
function itemOf({ target }) {
  return target instanceof Element
    ? (target.closest("button")?.value ?? null)
    : null;
}

showConnection(live);

// How many votes there are, for everybody who looks.
effect(() => {
  const known = votes.value;
  const rows = [...ballot.querySelectorAll("[data-item]")];
  const counts = rows.map((row) => votesOf(row, known));
  const most = Math.max(5, ...counts);

  for (const [i, row] of rows.entries()) {
    const output = row.querySelector("output");
    const bar = row.querySelector("[data-bar]");

    bar?.setAttribute("width", `${(100 * counts[i]) / most}%`);

    if (output && votes.synced.value) {
      output.value = String(counts[i]);
    }
  }
});

/**
 * @param {Element} row
 * @param {ReadonlyMap<string, any> | undefined} known
 */
function votesOf(row, known) {
  return Number(known?.get(`votes/${row.getAttribute("data-item")}`) ?? 0);
}

// The stamp: it stays when the token is spent.
effect(() => {
  const [item, t] = vote.value;
  const stamp = find("[data-stamp]", HTMLElement);
  const row = item && ballot.querySelector(`[data-item="${item}"] .name`);

  stamp.dataset.state = t ? "busy" : item ? "spent" : "none";
  find("[data-stamp-item]", HTMLElement).textContent = row
    ? row.textContent
    : "nothing yet";
  find("[data-stamp-state]", HTMLElement).textContent = t
    ? "on its way"
    : item
      ? "spent; the stamp can still be read"
      : "no token";

  for (const button of ballot.querySelectorAll("button")) {
    const mine = t !== null && button.value === item;

    button.ariaBusy = String(mine);
    button.ariaDisabled = String(t !== null && !mine);
  }
});

// The way of the stamp, from the button that was pressed.
drawErrand(since(() => vote.value[1] && "busy"));

effect(() => {
  const [item] = vote.value;

  find("[data-on-it]", SVGElement).textContent = item ?? "";

  for (const pick of document.querySelectorAll("[data-pick]")) {
    pick.classList.toggle("lit", pick.matches(`[data-pick="${item}"]`));
  }
});

/** @param {string} item */
function showDropped(item) {
  const pick = find(`[data-pick="${item}"]`, SVGElement);

  pick.classList.add("dropped");
  setTimeout(() => pick.classList.remove("dropped"), DROPPED);
}

// What the token has dropped: pressed while it was up.
let discarded = 0;

ballot.addEventListener(
  "click",
  (event) => {
    const item = itemOf(event);

    if (vote.peek()[1] !== null && item !== null) {
      discarded += 1;
      showDropped(item);
      find("[data-discarded]", HTMLElement).textContent = String(discarded);
    }
  },
  true,
);
