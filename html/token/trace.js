// @ts-check
/**
 * Composite tokens as text: what is in one, and what is different in another.
 *
 * @module
 */

/** @typedef {import("./token.js").Spend} Spend */
/** @typedef {{mark: string, text: string, children: Line[]}} Line */

/**
 * A composite as a tree.
 *
 *     transfer
 *     ├─ take → debit 5
 *     └─ give → credit 5
 *
 * @param {Spend | null | undefined} t
 * @returns {string} lines, without one feed at the end
 */
export function trace(t) {
  return draw(t ? [lineOf(t, "")] : [], false);
}

/**
 * Two composites as one tree.  A line begins with "+" where `after` has a
 * token that `before` has not, with "-" where it is the other way round, with
 * "~" where it is another token, or asks for something else.
 * @param {Spend | null | undefined} before
 * @param {Spend | null | undefined} after
 * @returns {string}
 */
export function diff(before, after) {
  return draw(compare(before ? [before] : [], after ? [after] : []), true);
}

/**
 * @param {Spend} t
 * @param {string} mark
 * @returns {Line}
 */
function lineOf(t, mark) {
  const children = (t.children ?? []).map((child) => lineOf(child, mark));
  return { mark, text: textOf(t), children };
}

/**
 * @param {readonly Spend[]} before
 * @param {readonly Spend[]} after
 * @returns {Line[]} in the order of `after`, what was retracted where it was
 */
function compare(before, after) {
  const rest = [...before];
  /** @type {Line[]} */
  const lines = [];

  const partners = match(before, after);
  for (const t of after) {
    const partner = partners.get(t);
    if (!partner) {
      lines.push(lineOf(t, "+"));
      continue;
    }
    while (rest.length > 0 && rest[0] !== partner) {
      const gone = /** @type {Spend} */ (rest.shift());
      if (![...partners.values()].includes(gone)) lines.push(lineOf(gone, "-"));
    }
    if (rest[0] === partner) rest.shift();
    lines.push({
      mark: same(partner, t) ? " " : "~",
      text: textOf(t),
      children: compare(partner.children ?? [], t.children ?? []),
    });
  }

  const kept = new Set(partners.values());
  return [...lines, ...rest.filter((t) => !kept.has(t)).map((t) => lineOf(t, "-"))];
}

/**
 * @param {readonly Spend[]} before
 * @param {readonly Spend[]} after
 * @returns {Map<Spend, Spend>} who was what: the same token, else the next one
 *     of the same name
 */
function match(before, after) {
  const free = new Set(before);
  const partners = new Map();

  for (const how of [same, (/** @type {Spend} */ a, /** @type {Spend} */ b) => nameOf(a) === nameOf(b)]) {
    for (const t of after) {
      if (partners.has(t)) continue;
      const partner = [...free].find((each) => how(each, t));
      if (!partner) continue;
      free.delete(partner);
      partners.set(t, partner);
    }
  }
  return partners;
}

/**
 * @param {Spend} a
 * @param {Spend} b
 */
function same(a, b) {
  return (a.root ?? a) === (b.root ?? b) && textOf(a) === textOf(b);
}

/** @param {Spend} t */
function nameOf(t) {
  return t.label ?? t.requests?.[0]?.service ?? t.name ?? "token";
}

/** @param {Spend} t */
function textOf(t) {
  const name = t.label ?? (t.requests || !t.name || t.name === "t" ? "token" : t.name);
  if (t.children || !t.requests) return name;
  const asked = t.requests.map(({ service, value }) =>
    value === undefined ? service : `${service} ${JSON.stringify(value)}`,
  );
  return `${name} → ${asked.join(", ")}`;
}

/**
 * @param {Line[]} lines
 * @param {boolean} marked
 * @param {string} [indent]
 * @param {boolean} [top]
 * @returns {string}
 */
function draw(lines, marked, indent = "", top = true) {
  return lines
    .flatMap(({ mark, text, children }, i) => {
      const last = i === lines.length - 1;
      const branch = top ? "" : last ? "└─ " : "├─ ";
      const deeper = top ? "" : indent + (last ? "   " : "│  ");
      const line = `${marked ? `${mark} ` : ""}${indent}${branch}${text}`;
      const below = draw(children, marked, deeper, false);
      return below ? [line, below] : [line];
    })
    .join("\n");
}
