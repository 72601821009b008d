// @ts-check
/** The list of pages in the header: it is open until somebody means it not. */

const menu = document.querySelector("[data-menu]");

if (menu instanceof HTMLDetailsElement) {
  document.addEventListener("click", (event) => {
    if (!menu.contains(/** @type {Node} */ (event.target))) {
      menu.open = false;
    }
  });

  document.addEventListener("focusin", (event) => {
    if (!menu.contains(/** @type {Node} */ (event.target))) {
      menu.open = false;
    }
  });

  menu.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && menu.open) {
      menu.open = false;
      menu.querySelector("summary")?.focus();
    }
  });
}
