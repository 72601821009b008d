/** A document for the tests of what is shown in one, and a user who works it. */

import { JSDOM } from "jsdom";

export class Page {
  constructor(html) {
    const { window } = new JSDOM(`<!doctype html><body>${html}</body>`);
    this.window = window;
    this.document = window.document;
  }

  /** @returns {any} */
  $(selector) {
    return this.document.querySelector(selector);
  }

  $$(selector) {
    return [...this.document.querySelectorAll(selector)];
  }

  fire(target, type, init = {}) {
    const event = new this.window.Event(type, { bubbles: true, cancelable: true });
    target.dispatchEvent(Object.assign(event, init));
    return event;
  }

  /** focuses, and writes */
  type(selector, text) {
    const input = this.$(selector);
    input.focus();
    input.value = text;
    this.fire(input, "input");
  }

  /** leaves the field */
  leave(selector) {
    this.fire(this.$(selector), "change");
    this.$(selector).blur();
  }

  tick(selector, on = true) {
    const input = this.$(selector);
    input.checked = on;
    this.fire(input, "input");
    this.fire(input, "change");
  }

  submit(selector = "form") {
    this.$(selector).requestSubmit();
  }

  escape(selector) {
    const event = new this.window.KeyboardEvent("keydown", { key: "Escape", bubbles: true });
    this.$(selector).dispatchEvent(event);
  }
}
