// @ts-check
/** Inside nginx: a plan that a token walks through, and live numbers. */

import { connect, effect, signal } from "../token.js";
import { find, showConnection } from "./frame.js";

/** Tokens of the race. */
const MANY = 20;
/** Ms that the picture stays in a room. */
const STAY = 750;

/** Where the coin stands: the tab, the rooms, and every tab. */
const STATIONS = [
  { room: 0, x: 34, y: 33 },
  { room: 1, x: 34, y: 153 },
  { room: 2, x: 34, y: 231 },
  { room: 3, x: 34, y: 309 },
  { room: 4, x: 34, y: 387 },
  { room: 5, x: 34, y: 543 },
  { room: 6, x: 34, y: 620 },
  { room: 7, x: 374, y: 387 },
  { room: 8, x: 374, y: 153 },
  { room: 0, x: 374, y: 33 },
];

const live = connect("/live");
const votes = live.family("votes/*");
const follow = find("[data-follow]", HTMLButtonElement);
const race = find("[data-race]", HTMLButtonElement);

/** A small token; what it counts is of no interest. */
function vote() {
  const command = live.send("vote", { item: "inside" });

  void command.outcome.then(({ outcome }) => {
    if (outcome !== "ok") {
      command.discard();
    }
  });
  return command;
}

showConnection(live);

// --- live numbers

/**
 * @param {string} name
 * @param {string} text
 */
function tell(name, text) {
  find(`[data-live="${name}"]`, HTMLElement).textContent = text;
}

/** @param {number} ms */
function days(ms) {
  const hours = Math.round(ms / 3_600_000);

  return hours >= 48 ? `${Math.round(hours / 24)} days` : `${hours} hours`;
}

/** @param {number} ms */
function time(ms) {
  return `${ms < 10 ? ms.toFixed(1) : Math.round(ms)} ms`;
}

let seq = -1;
/** @type {Map<string, number>} id to the moment when it was sent */
const sent = new Map();
const latency = signal(0);

live.onMessage(({ direction, message }) => {
  if (direction === "out") {
    if (message.type === "token") {
      sent.set(message.id, performance.now());
    }
    return;
  }

  if (message.seq > seq) {
    seq = message.seq;
    tell("seq", String(seq));
  }

  if (message.type === "hello") {
    tell("session", message.session);
    tell("inflight", String(message.limits.inflight));
    tell("ledger", days(message.ledger));
    tell("heartbeat", `${message.heartbeat / 1000} s`);
  }

  if (message.type === "outcome" && sent.has(message.id)) {
    latency.value = performance.now() - Number(sent.get(message.id));
    sent.delete(message.id);
  }
});

effect(() => {
  if (latency.value > 0) {
    tell("latency", time(latency.value));
  }
});

// --- a token on its way

const coin = find("[data-coin]", SVGElement);

/** @param {{room: number, x: number, y: number}} station */
function show({ room, x, y }) {
  coin.style.transform = `translate(${x}px, ${y}px)`;

  for (const place of document.querySelectorAll("[data-room]")) {
    place.classList.toggle("lit", place.matches(`[data-room="${room}"]`));
  }

  for (const place of document.querySelectorAll("[data-about]")) {
    place.classList.toggle("lit", place.matches(`[data-about="${room}"]`));
  }
}

/** @param {number} ms */
function pause(ms) {
  return new Promise((wake) => {
    setTimeout(wake, ms);
  });
}

const walking = signal(false);
const running = signal(false);

follow.addEventListener("click", async () => {
  if (walking.peek()) {
    return;
  }

  const truth = find("[data-truth]", HTMLElement);

  walking.value = true;
  truth.textContent = "On its way …";

  const { outcome } = await vote().outcome;

  for (const station of STATIONS) {
    show(station);
    await pause(STAY);
  }

  show(STATIONS[0]);
  truth.textContent =
    outcome === "ok"
      ? `In truth, there and back took ${time(latency.peek())}; "votes/inside" is now ${votes.peek().get("votes/inside") ?? "known"}, for everybody.`
      : `It was ${outcome}.`;
  walking.value = false;
});

// Whoever reads about a room sees where it is.
for (const about of document.querySelectorAll("[data-about]")) {
  about.addEventListener("pointerenter", () => {
    const room = Number(/** @type {HTMLElement} */ (about).dataset.about);

    if (!walking.peek()) {
      show(STATIONS[room]);
    }
  });
}

effect(() => {
  const open = live.status.value === "open";

  follow.disabled = race.disabled = !open;
  follow.ariaBusy = String(walking.value);
  race.ariaBusy = String(running.value);
});

show(STATIONS[0]);

// --- twenty for the price of one

async function oneByOne() {
  for (let i = 0; i < MANY; i++) {
    await vote().outcome;
  }
}

async function allAtOnce() {
  await Promise.all(Array.from({ length: MANY }, () => vote().outcome));
}

/** @param {() => Promise<void>} run */
async function timeOf(run) {
  const start = performance.now();

  await run();
  return performance.now() - start;
}

race.addEventListener("click", async () => {
  if (running.peek()) {
    return;
  }

  running.value = true;

  const times = { row: await timeOf(oneByOne), heap: await timeOf(allAtOnce) };
  const most = Math.max(times.row, times.heap);

  for (const [name, ms] of Object.entries(times)) {
    find(`[data-time="${name}"]`, HTMLElement).textContent = time(ms);
    find(`[data-bar="${name}"]`, HTMLProgressElement).value = ms / most;
  }

  const ratio = times.row / times.heap;

  find("[data-verdict]", HTMLElement).textContent =
    ratio > 1.2
      ? `At once, the same twenty took ${ratio.toFixed(1)} times less.`
      : "No difference this time: your disk is quick, or something else is slow.";
  running.value = false;
});
