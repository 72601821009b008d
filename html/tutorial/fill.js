// @ts-check
/** Something to search for: lines for the chat's log, from who is logged in. */

import { effect } from "../token.js";
import { find } from "./frame.js";

/** Fewer are hardly worth a search. */
const FEW = 10;

const LINES = [
  "The ferry leaves at seven, not at eight",
  "Somebody left a blue umbrella in the hall",
  "Tea is ready",
  "The lighthouse is dark again tonight",
  "Has anybody seen the key of the boathouse?",
  "The key hangs behind the blue door",
  "Rain until Thursday, then wind from the north",
  "Bring bread, and the small lamp",
  "The lamp in the hall needs a new wick",
  "Seven of nine nets are mended",
  "The harbour master wants an answer by eight",
  "Nobody answers at the lighthouse",
  "Wind has turned; the ferry waits",
  "There is soup for whoever is late",
  "The north pier is closed",
  "A letter for the lighthouse keeper has come",
  "The umbrella is mine, thank you",
  "Who wants to row to the island on Sunday?",
  "The island, on Sunday, in this weather?",
  "Sunday it is, then",
];

/** @param {import("./frame.js").Live} live */
export function offerLines(live) {
  const log = live.log("chat", { last: FEW });
  const offer = find("[data-offer]", HTMLElement);
  const login = find("[data-login]", HTMLElement);
  const fill = find("[data-fill]", HTMLButtonElement);

  effect(() => {
    const named = typeof live.user.value === "string";
    const writing = live.commands.value.some(
      ({ service, state }) => service === "send" && state.value === "pending",
    );

    offer.hidden =
      !log.synced.value || (!writing && (log.value ?? []).length >= FEW);
    offer.dataset.known = String(log.synced.value);
    fill.ariaBusy = String(writing);
    fill.disabled = writing;
    login.hidden = named;
    fill.hidden = !named;
  });

  fill.addEventListener("click", () => {
    for (const text of LINES) {
      live.send("send", { text });
    }
  });
}
