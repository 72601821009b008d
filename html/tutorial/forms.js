// @ts-check
/** Forms: an entity that is edited by many, and a command that is used up. */

import { computed, connect, effect, list, reconcileBy } from "../token.js";
import { Form } from "../token-forms.js";
import { unanswered } from "../token-zoo.js";
import { find, showConnection } from "./frame.js";
import { drawMessage } from "./message.js";

const COLOURS = ["green", "blue", "violet", "orange"];
/** Lines of the guest book. */
const LINES = 6;

const live = connect("/live");
const profile = live.atom("profile");
const element = find("[data-profile]", HTMLFormElement);

/** What the browser's own checks (required, maxlength) do not know. */
function validate(/** @type {any} */ { name }) {
  return name.includes("@") ? { name: "A name, please, no address." } : null;
}

/** Which of the two ways to save is chosen. */
function saves() {
  return find('[name="how"]:checked', HTMLInputElement).value;
}

const form = Form(element, {
  kind: "entity",
  value: profile,
  validate,
  draft: "profile",
  unanswered: unanswered(live, isSave),
  valuesOf: ({ value }) => value.value ?? value,
});

effect(() => {
  for (const [t, value, changes] of form.commits.value) {
    if (saves() === "put") {
      live.run(t, "save_profile", { value, version });
    } else {
      live.run(t, "merge_profile", changes);
    }
  }
});

/** @param {{service: string}} command */
function isSave({ service }) {
  return service === "save_profile" || service === "merge_profile";
}

/** The version that the user has seen when he began, or was told about. */
let version = 0;

effect(() => {
  void profile.value;

  if (form.edit.value === null) {
    version = profile.seq ?? 0;
  }
});

effect(() => {
  const error = form.error.value;

  if (error?.code === "version") {
    version = error.version;
  }
});

const guest = Form(find("[data-guest]", HTMLFormElement), {
  concurrent: true,
  draft: "guest",
});

effect(() => {
  for (const [t, value] of guest.commits.value) {
    live.run(t, "log_message_flaky", value);
  }
});

const book = live.log("journal", { last: LINES });
const written = computed(() =>
  live.commands.value.filter(({ service }) => service === "log_message_flaky"),
);
const rows = computed(() => reconcileBy({ records: book, commands: written }));

list(find("[data-guests]", HTMLOListElement), rows, (row) =>
  drawMessage(row, live.user, () => find("#words", HTMLElement).focus()),
);

showConnection(live);

// --- what the server has

find("[data-other]", HTMLButtonElement).addEventListener("click", async () => {
  const next = COLOURS.indexOf(profile.peek()?.colour) + 1;
  const command = live.send("merge_profile", {
    colour: COLOURS[next % COLOURS.length],
  });

  if ((await command.outcome).outcome !== "ok") {
    command.discard();
  }
});

/**
 * @param {any} value
 * @returns {string}
 */
function text(value) {
  return typeof value === "string" ? value : (JSON.stringify(value) ?? "");
}

effect(() => {
  const { name, colour, about } = Object(profile.value);

  find("[data-badge]", HTMLElement).dataset.colour = text(colour);
  find("[data-their-name]", HTMLElement).textContent =
    profile.value === undefined ? "…" : text(name) || "nobody yet";
  find("[data-their-about]", HTMLElement).textContent = text(about);
  find("[data-their-colour]", HTMLElement).textContent = text(colour);
  find("[data-version]", HTMLElement).textContent = String(profile.seq ?? "…");
});

// --- what the form knows

/** What the state of the form means. */
const MEANINGS = {
  clean: "Nothing in it is yours.",
  dirty: "What is yours is not theirs yet.",
  busy: "It is on its way.",
  accepted: "They have it.",
  failed: "Nothing is written; what you typed is still here.",
};

effect(() => {
  const status = form.status.value;
  const wrong = Object.entries(form.fields)
    .filter(([, field]) => field.error.value !== null)
    .map(([name]) => name);
  const drawing = find("[data-stages]", SVGElement);

  drawing.dataset.state = status;
  drawing.classList.toggle("refused", status === "dirty" && wrong.length > 0);
  find("[data-said]", HTMLElement).textContent =
    status === "dirty" && wrong.length > 0
      ? `Not sent: ${wrong.join(", ")} failed the check.`
      : MEANINGS[status];
});

for (const [name, field] of Object.entries(form.fields)) {
  const row = find(`[data-knows="${name}"]`, HTMLElement);
  const cell = (/** @type {string} */ of) =>
    find(`[data-knows="${name}"] [data-${of}]`, HTMLElement);

  effect(() => {
    const edit = field.edit.value;

    row.dataset.state = cell("is").textContent = field.status.value;
    cell("yours").textContent = edit ? text(edit[1]) || "(empty)" : "–";
    cell("theirs").textContent = text(profile.value?.[name]) || "(empty)";
  });
}
