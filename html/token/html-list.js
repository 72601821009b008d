// @ts-check
/**
 * Declarative HTML: lists of records and of people, from a template.
 *
 * @module
 */

import { list } from "./dom.js";
import { pick, show } from "./html-values.js";
import { remedies } from "./html-service.js";
import { set, textOf } from "./problem.js";
import { reconcileBy } from "./reconcile.js";
import { computed, effect } from "./signal.js";

/** @typedef {import("./command.js").Command} Command */
/** @typedef {import("./html.js").Context} Context */
/**
 * @template T
 * @typedef {import("./signal.js").ReadonlySignal<T>} ReadonlySignal
 */
/** @typedef {readonly [record: any, command: Command | null] & {key: string}} Row */

/**
 * @param {Element} element
 * @param {Context} context
 */
export function bindLog(element, context) {
  const { live } = context;
  const last = Number(element.getAttribute("token-last")) || undefined;
  const services = (element.getAttribute("token-optimistic") ?? "").split(/\s+/);
  const log = live.log(element.getAttribute("token-log") ?? "", { last });

  const rows = computed(() => {
    const commands = live.commands.value.filter(({ service }) => services.includes(service));
    return reconcileBy({ records: log, commands });
  });

  const manners = element.getAttribute("aria-live") ?? "polite";
  effect(() => {
    // what has been said before is not read out
    set(element, { "aria-live": log.synced.value ? manners : "off" });
  });
  effect(() => {
    set(element, { "data-error": log.error.value?.code ?? null });
  });
  bindRows(element, rows, () => log.synced.value, context);
  if (element.hasAttribute("token-follow")) follow(element, rows);
}

/**
 * @param {Element} element
 * @param {Context} context
 */
export function bindPresence(element, context) {
  const { live } = context;
  const present = live.presence(element.getAttribute("token-presence") ?? "");

  if (!element.querySelector("template")) {
    effect(() => {
      if (present.synced.value) show(element, present.value.count);
    });
    return;
  }

  const rows = computed(() => {
    const { users, anonymous } = present.value;
    const named = [...users].sort((a, b) => (a.user < b.user ? -1 : 1));
    const people = named.map((each) => row(each, `user ${each.user}`));
    // a user may be called anything
    return anonymous ? [...people, row({ user: null, tabs: anonymous }, "anonymous")] : people;
  });
  bindRows(element, rows, () => present.synced.value, context);
}

/**
 * @param {any} record
 * @param {string} key
 * @returns {Row}
 */
function row(record, key) {
  return Object.assign(/** @type {[any, null]} */ ([record, null]), { key });
}

/**
 * Children of the element: the template, [token-none] (shown while there are no
 * rows), what is there until the rows are known, and the rows.
 * @param {Element} element
 * @param {ReadonlySignal<readonly Row[]>} rows
 * @param {() => boolean} known
 * @param {Context} context
 */
function bindRows(element, rows, known, context) {
  const children = [...element.children];
  const template = children.find((each) => each.localName === "template");
  const model = /** @type {HTMLTemplateElement} */ (template)?.content.firstElementChild;
  if (!model) return console.error("token: a list without a template", element);

  const none = children.filter((each) => each.hasAttribute("token-none"));
  const before = children.filter((each) => each !== template && !none.includes(each));

  effect(() => {
    if (!known() && rows.value.length === 0) return;
    for (const each of before) each.remove();
  });
  effect(() => {
    const empty = known() && rows.value.length === 0;
    for (const each of none) /** @type {HTMLElement} */ (each).hidden = !empty;
  });

  const stop = list(element, rows, (row) => {
    const node = element.ownerDocument.importNode(model, true);
    const record = computed(() => row.value[0]);
    const command = computed(() => row.value[1]);

    showState(node, record, command, context);
    const unbind = context.bind(node, { ...context, record });
    effect(() => unbind);
    return node;
  });
  effect(() => stop);
}

/**
 * @param {Element} node
 * @param {ReadonlySignal<any>} record
 * @param {ReadonlySignal<Command | null>} command
 * @param {Context} context
 */
function showState(node, record, command, { live }) {
  const of = (/** @type {string} */ name) =>
    /** @type {HTMLElement[]} */ ([...node.querySelectorAll(`[token-${name}]`)]);
  const [retry, discard, problem] = [of("retry"), of("discard"), of("error")];
  const isSettled = () => {
    const state = command.value?.state.value;
    return state === "failed" || state === "rejected" || state === "interrupted";
  };

  effect(() => {
    const { user } = record.value;
    const mine = user !== null && user !== undefined && user === live.user.value;
    set(node, { "data-mine": mine ? "" : null });
  });

  effect(() => {
    const failed = isSettled();
    const busy = command.value !== null && !failed;
    const error = command.value?.error ?? { code: command.value?.state.value };
    set(node, {
      "data-tx-status": failed ? "failed" : busy ? "busy" : null,
      "aria-busy": busy || null,
    });
    for (const each of [...retry, ...discard]) each.hidden = !failed;
    for (const each of problem) each.textContent = failed ? textOf(error) : "";
  });

  /** the button that has the focus goes away */
  const leave = () => {
    const target = /** @type {HTMLElement} */ (node.parentElement ?? node);
    target.tabIndex = -1;
    target.focus();
  };
  /** @type {["retry" | "discard", HTMLElement[]][]} */
  const acts = [["retry", retry], ["discard", discard]];
  for (const [what, buttons] of acts) {
    for (const each of buttons) {
      each.addEventListener("click", () => {
        leave();
        command.peek()?.[what]();
      });
    }
  }
  if (retry.length > 0 || discard.length > 0) return;

  effect(() => {
    const now = command.value;
    if (!now || !isSettled()) return;
    const place = node.ownerDocument.createElement("span");
    place.setAttribute("token-remedy", "");
    const text = problem.length > 0 ? [] : [textOf(now.error ?? { code: now.state.peek() }), " "];
    place.append(...text, ...remedies(node.ownerDocument, now));
    place.addEventListener("click", leave, { capture: true });
    node.append(place);
    return () => place.remove();
  });
}

/**
 * What is in a row: `token-field`, a path into the record.
 * @param {Element} element
 * @param {Context} context
 */
export function bindField(element, { record }) {
  const path = element.getAttribute("token-field") ?? "";
  effect(() => {
    if (record) show(element, pick(record.value, path) ?? null);
  });
}

/**
 * Stays at the end while the reader is there.
 * @param {Element} element
 * @param {ReadonlySignal<unknown>} rows
 */
function follow(element, rows) {
  let atEnd = true;
  const look = () => {
    atEnd = element.scrollHeight - element.scrollTop - element.clientHeight < 8;
  };
  effect(() => {
    element.addEventListener("scroll", look);
    return () => element.removeEventListener("scroll", look);
  });
  effect(() => {
    void rows.value;
    if (atEnd) element.scrollTop = element.scrollHeight;
  });
}
