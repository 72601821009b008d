// @ts-check

/** The plots of bench/results.html, as SVG. */

import { brief } from "./rounds.mjs";

/** @typedef {import("./rounds.mjs").Result} Result */
/** @typedef {import("./rounds.mjs").Row} Row */
/** @typedef {import("./growth.mjs").Curve} Curve */

/** A class name of a contender. @param {string} name @returns {string} */
export const slug = (name) => `c-${name.toLowerCase().replace(/[^a-z0-9]+/g,
  "-")}`;

/** @param {string[]} names @returns {string} */
export const legend = (names) => `<p class="legend">${names.map((name) =>
  `<span class="${slug(name)}"><i></i>${name}</span>`).join("")}</p>`;

const width = 600, left = 130, right = 120, step = 21;

/** Bars of one point, a bar for each contender.
 * @param {Result} result @param {Row} row
 * @returns {string} */
export function bars(result, { label, of }) {
  const { key, base } = result;
  const entries = Object.entries(of).filter(([, v]) => v[key]);
  const most = Math.max(...entries.map(([, v]) => v[key].max)) || 1;
  const other = of[base]?.[key]?.median;
  /** @param {number} x @returns {number} */
  const at = (x) => Math.round((width - left - right) * x / most * 10) / 10;
  const write = (/** @type {number} */ x) => key === "p50"
    ? `${(x / 1000).toPrecision(3)} ms` : brief(x);

  const drawn = entries.map(([name, v], i) => {
    const { median, min, max } = v[key];
    const ratio = other && name !== base
      ? `  × ${(median / other).toFixed(2)}` : "";
    const y = i * step + 4;
    return `<g class="${slug(name)}" transform="translate(${left},${y})">
<text class="name" x="-8" y="12">${name}</text>
<rect width="${at(median)}" height="16" rx="2"/>
<path d="M${at(min)} 8H${at(max)}"/>
<text x="${at(max) + 8}" y="12">${write(median)}${ratio}</text></g>`;
  }).join("\n");

  return `<figure class="bars"><figcaption>${label}</figcaption>
<svg viewBox="0 0 ${width} ${entries.length * step + 8}" role="img"
 aria-label="${label}: ${entries.map(([name, v]) =>
   `${name} ${write(v[key].median)}`).join(", ")}">
${drawn}
</svg></figure>`;
}

/** A curve, both axes logarithmic where nothing is zero.
 * @param {Curve} curve
 * @returns {string} */
export function lines({ title, x, unit, points }) {
  // the first and the last label are as wide as two insets
  const w = 340, h = 200, edge = 10, inset = 34, pad = 44, top = 20;
  const xs = points.map(([a]) => a), ys = points.map(([, b]) => b);
  const log = Math.min(...xs) > 0;
  /** @param {number} v @returns {number} */
  const scale = (v) => log ? Math.log10(v) : v;
  const [x0, x1] = [scale(Math.min(...xs)), scale(Math.max(...xs))];
  const y1 = Math.log10(Math.max(...ys) * 1.5);
  const y0 = Math.min(Math.log10(Math.min(...ys) / 1.5), y1 - 1);
  /** @param {number} v */
  const px = (v) => edge + inset + (w - 2 * edge - 2 * inset)
    * (scale(v) - x0) / (x1 - x0 || 1);
  /** @param {number} v */
  const py = (v) => h - pad - (h - pad - top)
    * (Math.log10(v) - y0) / (y1 - y0);
  const path = points.map(([a, b], i) => `${i ? "L" : "M"}${
    px(a).toFixed(1)} ${py(b).toFixed(1)}`).join("");
  const marks = points.map(([a, b]) => `<circle cx="${px(a).toFixed(1)}" cy="${
    py(b).toFixed(1)}" r="3.5"/>
<text x="${px(a).toFixed(1)}" y="${(py(b) - 9).toFixed(1)}">${
  b < 10 ? b.toPrecision(2) : brief(b)} ${unit}</text>
<text class="axis" x="${px(a).toFixed(1)}" y="${h - pad + 16}">${
  a >= 1000 ? brief(a) : a}</text>`).join("\n");

  return `<figure class="curve"><figcaption>${title}</figcaption>
<svg viewBox="0 0 ${w} ${h}" role="img" aria-label="${title}: ${points.map(
    ([a, b]) => `${brief(a)} ${x}: ${brief(b)} ${unit}`).join(", ")}">
<path class="frame" d="M${edge} ${top}V${h - pad}H${w - edge}"/>
<path class="line" d="${path}"/>
${marks}
<text class="axis" x="${w / 2}" y="${h - 8}">${x}</text>
</svg></figure>`;
}
