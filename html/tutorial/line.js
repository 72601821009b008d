// @ts-check
/** A record as a line of a log: its number, its time, who, and what. */

/**
 * @typedef {{seq: number, time: number, user: string | null, value: any}} Record
 */

/**
 * @param {{value: Record}} row
 * @param {(text: string) => Iterable<Node | string>} [mark]
 * @returns {HTMLLIElement}
 */
export function drawLine(row, mark = (text) => [text]) {
  const { seq, time, user, value } = row.value;
  const item = document.createElement("li");
  const when = document.createElement("time");
  const text = typeof value?.text === "string" ? value.text : "…";

  when.dateTime = new Date(time).toISOString();
  when.textContent = new Date(time).toLocaleTimeString([], { hour12: false });
  item.append(
    part("number", `${seq}`),
    when,
    part("who", user ?? "anon"),
    part("what", ...mark(text)),
  );
  return item;
}

/**
 * @param {string} name
 * @param {...(Node | string)} content
 */
function part(name, ...content) {
  const span = document.createElement("span");

  span.className = name;
  span.append(...content);
  return span;
}
