// @ts-check

/** The look of bench/results.html. */

import { slug } from "./plot.mjs";

/** @typedef {import("./rounds.mjs").Result} Result */

/** Ours in one hue, yardsticks grey, the others by themselves: light, dark.
 * @type {Record<string, [string, string]>} */
const colours = {
  "module": ["#0b6e63", "#3fc1ae"],
  "module, 2 workers": ["#4b9e94", "#2a8f81"],
  "module, synced": ["#7dbdb5", "#1f6d63"],
  "module, random ids": ["#7dbdb5", "#1f6d63"],
  "module, deflate": ["#7dbdb5", "#1f6d63"],
  "module, TLS": ["#4b9e94", "#2a8f81"],
  "floor": ["#8a8f98", "#8a8f98"],
  "pipeline": ["#8a8f98", "#8a8f98"],
  "nchan": ["#c0722a", "#e09a58"],
  "ws": ["#8658a5", "#b58ad2"],
  "ws + Redis": ["#b3423a", "#e07b73"],
  "Redis alone": ["#d58f88", "#a3564f"],
  "ws + PostgreSQL": ["#3a64a8", "#7ea3df"],
};

/** @param {number} which @returns {string} */
const variables = (which) => Object.entries(colours).map(([name, pair]) =>
  `--${slug(name)}:${pair[which]};`).join("");

/** @param {Result[]} results @returns {string} */
export function style(results) {
  const names = [...new Set(results.flatMap((r) => r.names))];
  const classes = names.map((name) =>
    `.${slug(name)}{--c:var(--${slug(name)},#666)}`).join("\n");
  return `
:root{--ink:#1c2126;--soft:#5c6670;--paper:#fff;--line:#dde1e6;
${variables(0)}}
@media (prefers-color-scheme:dark){:root{--ink:#e4e7ea;--soft:#9aa4ae;
--paper:#15181b;--line:#333a41;${variables(1)}}}
${classes}
body{margin:0 auto;max-width:54rem;padding:2rem 1.25rem 5rem;
background:var(--paper);color:var(--ink);
font:1rem/1.55 system-ui,sans-serif}
h1{font-size:1.9rem;margin:0 0 .5rem}
h2{font-size:1.35rem;margin:0}
section{border-top:1px solid var(--line);margin-top:2.5rem;padding-top:1.5rem}
.unit,dt,figcaption small{color:var(--soft)}
.unit{margin:.1rem 0 .6rem;font-size:.9rem}
dl{display:grid;grid-template-columns:max-content 1fr;gap:.2rem 1rem;
font-size:.9rem}
dd{margin:0}
nav{display:flex;flex-wrap:wrap;gap:.2rem 1rem;font-size:.95rem}
a{color:var(--c-module)}
figure{margin:1.1rem 0 0}
figcaption{font-weight:600;font-size:.95rem}
svg{display:block;width:100%;height:auto}
.bars{overflow-x:auto}
.bars svg{min-width:27rem;max-width:44rem}
svg text{font:12px system-ui,sans-serif;fill:var(--ink);white-space:pre}
svg .name{text-anchor:end;fill:var(--soft)}
rect{fill:var(--c)}
g>path{stroke:var(--ink);stroke-width:1.5;opacity:.55}
.legend{display:flex;flex-wrap:wrap;gap:.2rem 1.1rem;font-size:.85rem;
color:var(--soft);margin:.8rem 0 0}
.legend i{display:inline-block;width:.8em;height:.8em;border-radius:2px;
background:var(--c);margin-right:.4em}
.curves{display:grid;grid-template-columns:repeat(auto-fit,minmax(20rem,1fr));
gap:0 1.5rem}
.curve text{text-anchor:middle;font-size:11px;stroke:var(--paper);
stroke-width:4px;paint-order:stroke}
.axis{fill:var(--soft)!important}
.frame{fill:none;stroke:var(--line)}
.line{fill:none;stroke:var(--c-module);stroke-width:2}
circle{fill:var(--c-module)}
details{margin-top:1rem}
summary{cursor:pointer;color:var(--soft)}
.wide{overflow-x:auto}
table{border-collapse:collapse;font-size:.85rem;margin-top:.6rem;
font-variant-numeric:tabular-nums}
th,td{text-align:right;padding:.2rem .6rem;border-top:1px solid var(--line);
vertical-align:top;white-space:nowrap}
tbody th,tbody td:first-of-type{text-align:left}
td small{display:block;color:var(--soft)}
td b{color:#c22}
`;
}
