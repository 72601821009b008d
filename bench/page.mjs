// @ts-check

/** bench/results.html: the numbers with plots, in one file without scripts. */

import { bars, legend, lines } from "./plot.mjs";
import { brief } from "./rounds.mjs";
import { style } from "./style.mjs";

/** @typedef {import("./rounds.mjs").Result} Result */
/** @typedef {import("./machine.mjs").Machine} Machine */

/** @param {unknown} text @returns {string} */
export const escape = (text) => String(text).replace(/[&<>"]/g, (c) =>
  `&#${c.charCodeAt(0)};`);

/** What else was measured, as columns: name, heading, how it is written.
 * @type {[string, string, (x: number) => string][]} */
const columns = [
  ["rate", "rate", brief],
  ["bytes", "bytes", (x) => x.toFixed(0)],
  ["instructions", "instructions", (x) => x.toFixed(0)],
  ["cpu_us", "CPU µs each", (x) => x.toPrecision(3)],
  ["p50", "p50 ms", (x) => (x / 1000).toPrecision(3)],
  ["p99", "p99 ms", (x) => (x / 1000).toPrecision(3)],
  ["memory_kb", "memory +MB", (x) => (x / 1024).toFixed(1)],
  ["kernel_kb", "kernel KB per stuck", (x) => x.toFixed(0)],
  ["silent", "silent gaps", (x) => x.toFixed(0)],
  ["closed", "closed", (x) => x.toFixed(0)],
];

/** @param {Result} result @returns {string} */
function table(result) {
  const { rows, key, base } = result;
  const shown = columns.filter(([name]) => rows.some((row) =>
    Object.values(row.of).some((v) => v[name]?.max > 0)));
  const head = shown.map(([, heading]) => `<th>${heading}</th>`).join("");
  const body = rows.flatMap(({ label, of }) => Object.entries(of).map(
    ([name, v], i, all) => {
      const other = of[base]?.[key]?.median;
      const cells = shown.map(([column, , write]) => {
        const s = v[column];
        if (!s) return "<td></td>";
        const range = s.all.length > 1
          ? `<small>${write(s.min)} – ${write(s.max)}</small>` : "";
        return `<td>${write(s.median)} ${range}</td>`;
      }).join("");
      const ratio = other && name !== base
        ? `× ${(v[key].median / other).toFixed(2)}` : "";
      const wrong = v.errors ? ` <b>${v.errors} wrong</b>` : "";
      const first = i ? "" : `<th rowspan="${all.length}">${
        escape(label)}</th>`;
      return `<tr>${first}<td>${escape(name)}${wrong}</td>${cells}<td>${
        ratio}</td></tr>`;
    })).join("\n");
  return `<details${base ? "" : " open"}><summary>All numbers</summary><div class="wide"><table>
<thead><tr><th></th><th></th>${head}<th>${
  base ? `of ${escape(base)}` : ""}</th></tr></thead>
<tbody>${body}</tbody></table></div></details>`;
}

/** @param {Result} result @returns {string} */
function section(result) {
  const { id, title, unit, note, rows, curves, names, less } = result;
  let plots = "";
  if (curves) {
    plots = `<div class="curves">${curves.map(lines).join("\n")}</div>`;
  } else if (result.base) {
    plots = legend(names) + rows.map((row) => bars(result, row)).join("\n");
  }
  return `<section id="${id}"><h2>${escape(title)}</h2>
<p class="unit">${escape(result.key === "p50" && !curves
    ? "p50 in ms" : unit)}${less ? ", less is better" : ""} · measured ${
  escape(result.date.slice(0, 16).replace("T", " "))} UTC</p>
<p>${escape(note)}</p>
${plots}
${rows.length ? table(result) : ""}
</section>`;
}

/** The page.
 * @param {{ machine: Machine, results: Result[] }} data
 * @returns {string} */
export function page({ machine, results }) {
  const { versions } = machine;
  const facts = [
    ["Date", `${machine.date} UTC`],
    ["Machine", `${machine.cpu}, ${machine.cores} cores, ${
      machine.memory} GiB, ${machine.system}, Linux ${machine.kernel}`],
    ["Versions", Object.entries(versions).map(([name, version]) =>
      `${name} ${version}`).join(", ")],
  ].map(([name, value]) => `<dt>${name}</dt><dd>${escape(value)}</dd>`)
    .join("");
  const nav = results.map(({ id, title }) =>
    `<a href="#${id}">${escape(title)}</a>`).join(" ");

  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<meta name="color-scheme" content="light dark">
<title>ngx_http_token_module: measurements</title>
<style>${style(results)}</style>
<body>
<header><h1>Measurements</h1>
<p>ngx_http_token_module beside a bare epoll server (<em>floor</em>), a
reference <em>pipeline</em> into LMDB, and other servers, all measured in turns
in one run by <code>make bench</code>.  Server and load generator share the
cores, so the ratios say more than the rates.  Bars are medians, the thin lines
go from the least to the most that was measured; each group has a scale of its
own, from zero.  Every message is checked for order, loss and doubles.</p>
<p>lua-resty-websocket and uWebSockets are not among them: neither Debian 12
nor npm has them.</p>
<dl>${facts}</dl><nav>${nav}</nav></header>
<main>
${results.map(section).join("\n")}
</main>
</body>
</html>
`;
}
