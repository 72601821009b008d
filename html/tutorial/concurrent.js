// @ts-check
/** Many tokens at once: the same presses, for OnAll and for one Token. */

import { computed, connect, effect, fromEvent } from "../token.js";
import { list, OnAll, signal, Token } from "../token.js";
import { find, showConnection } from "./frame.js";
import { drawParcel, drawRest, isParcel, routeOf } from "./parcel.js";

/** @typedef {import("../token/command.js").Command} Command */

const live = connect("/live");
const desk = find("[data-desk]", HTMLElement);

/** An event for each parcel; the value of the button says how many. */
const parcels = {
  /** @param {(parcel: number) => void} fn */
  subscribe(fn) {
    let last = 0;

    return fromEvent(desk, "click", countOf).subscribe((count) => {
      for (let i = 0; i < count; i++) fn(++last);
    });
  },
};

// One token for each parcel; each is spent by its own answer.
const all = OnAll(parcels);

effect(() => {
  for (const [t, parcel] of all.value) {
    const { service, value } = routeOf(parcel);

    follow(live.run(t, service, { ...value, parcel }));
  }
});

// One token; what comes while it is up is dropped.
const single = Token(parcels);

effect(() => {
  const [t] = single.value;

  if (t) {
    live.run(t, "vote_slow", { item: "letters" });
  }
});

/** @param {MouseEvent} event */
function countOf({ target }) {
  const button = target instanceof Element ? target.closest("button") : null;

  return button ? Number(button.value) : null;
}

const delivered = signal(/** @type {readonly Command[]} */ ([]));
/** @type {WeakSet<Promise<unknown>>} a retry has an outcome of its own */
const followed = new WeakSet();

/** @param {Command} command */
function follow(command) {
  if (followed.has(command.outcome)) {
    return;
  }

  followed.add(command.outcome);
  void command.outcome.then(({ outcome }) => {
    if (outcome === "ok") {
      delivered.value = [...delivered.peek(), command].slice(-40);
    }
  });
}

// Those without a token: failed, tried again, or from before a reload.
const rest = computed(() => {
  const up = new Set(all.value.map(([t]) => t));

  return live.commands.value.filter(
    (command) => isParcel(command) && !up.has(/** @type {any} */ (command.token)),
  );
});

effect(() => {
  for (const command of rest.value) {
    void command.state.value;
    follow(command);
  }
});

showConnection(live);

list(
  find("[data-all]", HTMLOListElement),
  all,
  drawParcel,
  ([t]) => t,
);

list(
  find("[data-rest]", HTMLUListElement),
  rest,
  (row) => drawRest(row, () => desk.querySelector("button")?.focus()),
);

list(
  find("[data-delivered]", HTMLOListElement),
  delivered,
  ({ value: command }) => {
    const item = document.createElement("li");

    item.textContent = String(command.value.parcel);
    return item;
  },
  (command) => command.key,
);

effect(() => {
  find("[data-up]", HTMLElement).textContent = String(all.value.length);
});

// The other side: what the one token holds, and what it has dropped.
let seen = 0;
let taken = 0;

parcels.subscribe((parcel) => {
  seen = parcel;
  count();
});

effect(() => {
  const [t] = single.value;
  const box = find("[data-single]", HTMLElement);

  taken += t ? 1 : 0;
  box.dataset.state = t ? "busy" : "idle";
  box.textContent = t ? `parcel ${t.event}` : "no token";
  count();
});

function count() {
  find("[data-taken]", HTMLElement).textContent = String(taken);
  find("[data-dropped]", HTMLElement).textContent = String(seen - taken);
}
