// @ts-check
/**
 * What the server's answers mean for a command (PROTOCOL.md, 5 and 7).
 *
 * @module
 */

/** @typedef {import("./wire.js").Message} Message */
/** @typedef {import("./command.js").Command} Command */
/** @typedef {import("./commands.js").Commands} Commands */

/** ms: `busy` without a time */
const RETRY = 1_000;

/**
 * @param {Commands} commands
 * @param {Command} command   that is not answered yet
 * @param {Message} message   an outcome, or an error with an id
 */
export function answer(commands, command, message) {
  const { type, outcome, error } = message;

  if (type === "error") {
    const { code, message: text } = message;
    commands.settle(command, "rejected", { code, message: text });
    return;
  }

  switch (outcome) {
    case "running":
      command.stage = "sent";
      command.state.value = "running";
      if (command.cancelled) commands.sendCancel(command);
      return;

    case "unknown":
    case "busy":
      command.stage = "fresh";
      command.state.value = "pending";
      if (command.cancelled) commands.settle(command, "superseded");
      else if (outcome === "busy") commands.postpone(command, message.retry ?? RETRY);
      return;

    case "ok":
    case "rejected":
    case "failed":
    case "interrupted":
    case "superseded":
      // failed: nothing was run, the id may be used again, or another
      if (outcome === "failed") command.sent = false;
      commands.settle(command, outcome, error, message);
      return;

    default:
      console.error("token: this was ignored:", message);
  }
}
