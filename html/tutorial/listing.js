// @ts-check
/** The listings: a line that is too long goes on under its own beginning. */

for (const listing of document.querySelectorAll("figure.code pre")) {
  const lines = listing.innerHTML.split(/(?<=\n)/);

  listing.innerHTML = lines
    .map((line) => `<span class="line">${line}</span>`)
    .join("");

  for (const line of listing.querySelectorAll("span.line")) {
    const words = line.textContent ?? "";
    const indent = words.length - words.trimStart().length;

    /** @type {HTMLElement} */ (line).style.setProperty("--indent", String(indent));
  }
}
