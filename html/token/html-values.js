// @ts-check
/**
 * What the attributes of declarative HTML say: paths, formats, values, words.
 * Data goes into text and properties, never into markup.
 *
 * @module
 */

/** Words that the page does not say itself; assign to change them. */
export const words = {
  connecting: "connecting …",
  open: "connected",
  waiting: "connection lost, trying again",
  offline: "offline",
  closed: "closed by the server",
  anonymous: "anon",
  retry: "Retry",
  discard: "Discard",
  unknown: "It is not known whether this was done.",
};

/**
 * @param {any} from
 * @param {string} path for instance `value.text`; "": all of it
 * @returns {any} undefined where there is none
 */
export function pick(from, path) {
  let value = from;
  for (const name of path.split(".").filter(Boolean)) {
    if (typeof value !== "object" || value === null) return undefined;
    value = Object.hasOwn(value, name) ? value[name] : undefined;
  }
  return value;
}

/**
 * What a control asks for: token-value (JSON), and over it token-args, pairs
 * name=path into the record of the row.
 * @param {Element} element
 * @param {any} [record]
 * @returns {any} undefined: nothing
 */
export function askedBy(element, record) {
  const json = element.getAttribute("token-value");
  const from = element.getAttribute("token-value-from");
  const args = element.getAttribute("token-args");

  let value = json === null ? undefined : JSON.parse(json);
  if (from !== null) value = pick(record, from);
  for (const pair of (args ?? "").split(/\s+/).filter(Boolean)) {
    const [name, path = name] = pair.split("=");
    value = { ...value, [name]: pick(record, path) };
  }
  return value;
}

/**
 * Shows a value: token-true, token-false, token-empty (null), token-format,
 * token-class; data-value for style sheets.
 * @param {Element} element
 * @param {any} value undefined: not known, the element stays as it is
 */
export function show(element, value) {
  if (value === undefined) return;
  const target = /** @type {any} */ (element);

  const name = element.getAttribute("token-class");
  if (name) element.classList.toggle(name, Boolean(value));
  if (typeof value === "object" && value !== null) element.removeAttribute("data-value");
  else element.setAttribute("data-value", String(value));

  if (element.localName === "meter" || element.localName === "progress") {
    target.value = Number(value);
    return;
  }
  if (element.localName === "time" && typeof value === "number") {
    target.dateTime = new Date(value).toISOString();
  }
  const text = textFor(element, value);
  if (element.textContent !== text) element.textContent = text;
}

/**
 * @param {Element} element
 * @param {any} value
 * @returns {string}
 */
function textFor(element, value) {
  const say = (/** @type {string} */ name) => element.getAttribute(name);

  if (value === null || value === "") return say("token-empty") ?? "";
  if (value === true) return say("token-true") ?? "true";
  if (value === false) return say("token-false") ?? "false";
  const format = say("token-format") ?? (element.localName === "time" ? "time" : "");

  if (typeof value === "number") {
    if (format === "number") return value.toLocaleString();
    if (format === "date") return new Date(value).toLocaleDateString();
    if (format === "datetime") return new Date(value).toLocaleString();
    if (format === "time") {
      const short = /** @type {const} */ ({ hour: "2-digit", minute: "2-digit" });
      return new Date(value).toLocaleTimeString([], short);
    }
  }
  return typeof value === "string" ? value : JSON.stringify(value);
}

/**
 * @param {string | null} attribute words, of which one must hold
 * @param {import("./live.js").Live} live
 * @returns {() => boolean} reads signals
 */
export function condition(attribute, live) {
  const names = (attribute ?? "").split(/\s+/).filter(Boolean);
  let opened = false;

  /** @type {Record<string, () => boolean>} */
  const known = {
    user: () => typeof live.user.value === "string",
    anonymous: () => live.user.value === null,
    open: () => live.status.value === "open",
    offline: () => live.status.value !== "open" && opened,
    busy: () =>
      live.commands.value.some(({ state: { value } }) => value === "pending" || value === "running"),
  };

  return () => {
    const status = live.status.value;
    // the first attempt is no loss
    if (status !== "connecting") opened = true;
    return names.some((name) => known[name]?.());
  };
}
