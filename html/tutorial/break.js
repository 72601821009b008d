// @ts-check
/** Break it: many commands, a connection that is cut, and who counts. */

import { connect, effect, signal, untracked } from "../token.js";
import { cable } from "./cable.js";
import { find, showConnection } from "./frame.js";
import { tally } from "./tally.js";

/** As many as the picture has room for. */
const MOST = 400;
/** Ms between two commands of the stream. */
const PACE = 200;

// first of all: no answer may come before it is known whose it is
const count = await tally();
const line = cable();
const live = connect("/live", line.options);
const journal = live.log("journal");

/** @type {Record<string, import("./tally.js").State>} */
const ANSWERS = {
  pending: "pending",
  running: "pending",
  ok: "ok",
  failed: "failed",
  rejected: "failed",
  interrupted: "failed",
};

/** @typedef {import("../token/command.js").Command} Command */

/** What a command says to the log; of a composite, its first request. */
const wordsOf = (/** @type {Command} */ { value }) => [value].flat()[0];
const isOurs = (/** @type {Command} */ c) => wordsOf(c)?.run === count.run;
const numberOf = (/** @type {Command} */ c) => wordsOf(c).n;

/** One command; the chosen server decides what it asks for. */
function send() {
  const n = count.ask();
  const value = { text: `Break it, no. ${n + 1}`, run: count.run, n };

  switch (find('[name="server"]:checked', HTMLInputElement).value) {
    case "slow":
      return live.send([
        { service: "log_message", value },
        { service: "vote_slow", value: { item: "break" } },
      ]);
    case "flaky":
      return live.send("log_message_flaky", value);
    default:
      return live.send("log_message", value);
  }
}

// One side: what the answers say, also those to questions from before a reload.
/** @type {Set<Command>} */
const followed = new Set();

effect(() => {
  for (const command of live.commands.value) {
    if (isOurs(command)) followed.add(command);
  }

  for (const command of followed) {
    const answer = ANSWERS[command.state.value];

    if (answer === "ok" || !isOurs(command)) followed.delete(command);
    if (isOurs(command)) untracked(() => count.answer(numberOf(command), answer));
  }
});

// The other side: what stands in the log that everybody sees.
effect(() => {
  const records = journal.value;

  untracked(() => count.found(records));
});

// --- what can be done

const streaming = signal(false);

/** @param {number} times */
function sendSome(times) {
  for (let i = 0; i < times && count.rows.length < MOST; i++) {
    send();
  }

  if (count.rows.length >= MOST) {
    streaming.value = false;
  }
}

/**
 * @param {string} name
 * @param {() => void} act
 */
function press(name, act) {
  const button = find(`[data-${name}]`, HTMLButtonElement);

  button.addEventListener("click", act);
  return button;
}

press("send", () => sendSome(20));
press("drop", () => live.restart());
press("reload", () => location.reload());
press("retry", () => {
  live.commands.peek().filter(isOurs).forEach((command) => command.retry());
  find("[data-send]", HTMLButtonElement).focus();
});
press("clear", () => {
  streaming.value = false;
  live.commands.peek().filter(isOurs).forEach((command) => command.discard());
  count.clear();
});

const stream = press("stream", () => {
  streaming.value = !streaming.peek();
});
const pull = press("pull", () => {
  line.pulled.peek() ? line.plug() : line.pull();
});

effect(() => {
  stream.ariaPressed = String(streaming.value);
  stream.textContent = streaming.value ? "Stop sending" : "Keep sending";

  if (streaming.value) {
    const timer = setInterval(() => sendSome(1), PACE);

    return () => clearInterval(timer);
  }
});

effect(() => {
  pull.ariaPressed = String(line.pulled.value);
  pull.textContent = line.pulled.value
    ? "Plug the cable in"
    : "Pull the cable";
  find("[data-cable]", SVGElement).dataset.state = line.pulled.value
    ? "out"
    : "in";
});

// --- what is to be seen

const dots = find("[data-dots]", HTMLElement);

effect(() => {
  const { rows } = count;

  while (dots.children.length > rows.length) {
    dots.lastElementChild?.remove();
  }

  rows.forEach(({ state, times }, i) => {
    const dot = /** @type {HTMLElement} */ (
      dots.children[i] ?? dots.appendChild(document.createElement("i"))
    );
    const look =
      times > 1
        ? "doubled"
        : state === "pending" && times === 1
          ? "written"
          : state === "ok" && times === 0
            ? "lost"
            : state;

    if (dot.dataset.state !== look) {
      dot.dataset.state = look;
    }
  });
});

effect(() => {
  const numbers = count.numbers;

  for (const [name, number] of Object.entries(numbers)) {
    find(`[data-count="${name}"]`, HTMLElement).textContent = String(number);
  }

  find("[data-retry]", HTMLButtonElement).hidden = numbers.failed === 0;

  const words = find("[data-summary]", HTMLElement);
  const said = summary(numbers);

  // Not every step is worth saying: a live region that talks is no help.
  if (words.textContent !== said) {
    words.textContent = said;
  }
});

/** @param {typeof count.numbers} numbers */
function summary({ asked, open, failed, doubled, lost }) {
  if (asked === 0) {
    return "Nothing has been sent yet.";
  }

  if (doubled + lost > 0) {
    return "Something is wrong. Please tell us how you did it.";
  }

  if (open > 0) {
    return "Some are on their way.";
  }

  return failed > 0
    ? "All are answered. Those that failed left nothing behind, and can be tried again."
    : "All are answered, and each is in the log exactly once.";
}

const connections = signal(0);

effect(() => {
  if (live.session.value !== undefined) {
    connections.value = connections.peek() + 1;
  }
});

effect(() => {
  find("[data-connections]", HTMLElement).textContent = String(
    connections.value,
  );
});

showConnection(live);
