// @ts-check
/** What is typed and not sent yet: it survives a reload of the page, too. */

/**
 * @param {HTMLInputElement} input
 * @returns {() => void}  it is sent: what is kept is a command now
 */
export function keepTyped(input) {
  const key = `typed:${location.pathname}#${input.id}`;

  input.value = sessionStorage.getItem(key) ?? input.value;
  input.addEventListener("input", () => {
    sessionStorage.setItem(key, input.value);
  });

  return () => sessionStorage.removeItem(key);
}
