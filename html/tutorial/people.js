// @ts-check
/** Who is here: users with their number of tabs, and the nameless ones. */

import { computed, effect, list } from "../token.js";
import { find } from "./frame.js";

/**
 * @typedef {{user: string | null, tabs: number}} Person
 * @typedef {{users: Person[], anonymous: number, count: number}} Present
 */

/**
 * @param {{value: Present | undefined}} room
 * @param {{value: string | null | undefined}} me
 */
export function showPeople(room, me) {
  const people = computed(() => {
    const { users = [], anonymous = 0 } = room.value ?? {};
    const nameless = anonymous ? [{ user: null, tabs: anonymous }] : [];

    return [...users].sort(byName).concat(/** @type {any} */ (nameless));
  });

  list(
    find("[data-people]", HTMLUListElement),
    people,
    (person) => draw(person, me),
    // A user may be called anything: the nameless ones need another key.
    (person) => (person.user === null ? "anon" : `user ${person.user}`),
  );

  effect(() => {
    const count = room.value?.count;

    find("[data-count]", HTMLElement).textContent = count ? String(count) : "";
  });
}

/**
 * @param {Person} a
 * @param {Person} b
 */
function byName(a, b) {
  return String(a.user).localeCompare(String(b.user));
}

/**
 * @param {{value: Person}} person
 * @param {{value: string | null | undefined}} me
 */
function draw(person, me) {
  const item = document.createElement("li");
  const name = document.createElement("span");
  const tabs = document.createElement("span");

  tabs.className = "tabs";
  item.append(name, tabs);

  effect(() => {
    const { user, tabs: number } = person.value;

    item.className = user === null ? "anonymous" : "";
    name.textContent =
      user === null ? "anon" : user === me.value ? `${user} (you)` : user;
    tabs.textContent =
      number > 1 ? (user === null ? `× ${number}` : `${number} tabs`) : "";
  });

  return item;
}
