// @ts-check
/**
 * What a page loads of the client: each entry bundled, minified and packed, as
 * a site would serve it.  `make size` prints it; html/token/README.md states
 * it, and js/size.test.js holds the one against the other.
 */

import { argv } from "node:process";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";

import { build } from "esbuild";
import { minify } from "terser";

const HTML = fileURLToPath(new URL("../html", import.meta.url));

/** @type {Record<string, string>} what a page imports */
export const ENTRIES = {
  "token.js": 'export * from "./token.js"',
  "`connect`, `Token` and `effect` alone": 'export { connect, Token, effect } from "./token.js"',
  "token-zoo.js": 'export * from "./token.js"; export * from "./token-zoo.js"',
  "token-forms.js":
    'export * from "./token.js"; export * from "./token-forms.js"',
  "token-html.js": 'export * from "./token-html.js"',
};

/**
 * @param {string} source
 * @returns {Promise<number>} bytes
 */
export async function sizeOf(source) {
  const { outputFiles } = await build({
    stdin: { contents: source, resolveDir: HTML },
    bundle: true,
    format: "esm",
    target: "es2022",
    write: false,
  });
  const { code = "" } = await minify(outputFiles[0].text, {
    module: true,
    ecma: 2020,
    compress: { passes: 3 },
    mangle: true,
  });
  return gzipSync(code, { level: 9 }).length;
}

if (argv[1] === fileURLToPath(import.meta.url)) {
  for (const [name, source] of Object.entries(ENTRIES)) {
    console.log(`${String(await sizeOf(source)).padStart(6)}  ${name}`);
  }
}
