// @ts-check
/**
 * Declarative HTML: attributes that bind elements to services and live state.
 * Loading this module starts it, for the whole document:
 *
 *     <script type="module" src="/token-html.js" data-live="/live"></script>
 *
 * or with <body token-live="/live">, which may also stand on a part of a page.
 * token/README.md lists the attributes.
 *
 * @module
 */

import { start } from "./token/html.js";

export { words } from "./token/html-values.js";

const script = /** @type {HTMLElement | null} */ (
  document.querySelector("script[data-live]")
);
const page = start(document, { url: script?.dataset.live });

/**
 * The connection of data-live, or of the [token-live] whose URL is given.
 * @type {(url?: string) => import("./token/live.js").Live | null}
 */
export const live = page.live;
