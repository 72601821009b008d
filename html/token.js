// @ts-check
/**
 * The browser's side of ngx_http_token_module: live state and tokens over one
 * WebSocket.  No build step, no dependency.
 *
 *     import { connect, Token, fromEvent, effect } from "./token.js";
 *
 *     const live = connect("/live");
 *     const on = live.atom("switch");
 *     const toggle = Token(fromEvent(button, "click"));
 *
 *     effect(() => {
 *       const [t, error] = toggle.value;
 *       button.disabled = t !== null;
 *       button.ariaBusy = String(t !== null);
 *       button.ariaInvalid = String(error !== null);
 *       if (t) live.run(t, "toggle");        // spends t when the answer is here
 *     });
 *     effect(() => { output.value = String(on.value); });
 *
 * ## Signals
 *
 *     signal(value)       .value (read: tracked; write), .peek() (untracked),
 *                         .subscribe(fn) -> stop; fn is called at once, and
 *                         then with each new value
 *     computed(fn)        the same, read only
 *     effect(fn) -> stop  runs fn now and when what it read changes; fn may
 *                         return a clean-up.  Effects made inside an effect
 *                         end with it
 *     batch(fn)           effects run once, after fn
 *     untracked(fn)       reads in fn are not tracked
 *
 * ## connect(url, options?) -> Live
 *
 * `url` is relative to the page; ws: or wss: follows from it.  The options
 * replace what is taken from the browser: see token/environment.js.
 *
 *     live.status         signal: "connecting", "open" (the server has said
 *                         hello), "waiting" (until live.retryAt), "offline"
 *                         (the browser says so), "closed" (for good)
 *     live.retryAt        ms since the epoch of the next attempt, or null
 *     live.closed         {code, reason} of the last close, or null
 *     live.user           signal: undefined until hello, then string | null
 *     live.session        signal: the session's id, as in the server's log
 *     live.limits         signal: the limits of the hello, or undefined
 *     live.now()          the server's clock, ms
 *     live.restart()      connects again, at once (after a login, or "closed")
 *     live.close()        closes; pending commands stay in the storage
 *     live.onMessage(fn) -> stop    fn({direction, message, time}), direction
 *                         is "in" or "out", message the parsed object
 *
 * ### What is watched
 *
 * Each is a signal (read only).  The same name gives the same object.  Values
 * are kept while the connection is down, and brought up to date after it.
 *
 *     live.atom(name)         .value: JSON value, undefined until known (or
 *                             deleted); .seq: its version, undefined till then
 *     live.family("votes/*")  .value: Map of the atom's full name -> value,
 *                             for instance .value.get("votes/7")
 *     live.log(name, {last})  .value: array of {seq, token, user, time, value},
 *                             oldest first; with `last` at most that many
 *     live.presence(name)     .value: {users: [{user, tabs}], anonymous,
 *                             count (people), sessions (tabs)}
 *
 *     .synced     signal: true once the snapshot is here, false while catching
 *                 up after a (re)connect
 *     .error      signal: null, or {code, message}: the server refuses it
 *     .unwatch()  ends the watch
 *
 * ### Commands
 *
 *     live.send(service, value?) -> Command
 *     live.send([{service, value}, ...]) -> Command      all or nothing
 *     live.run(t, service?, value?) -> Command           see below
 *     live.commands       signal: array of the commands that are not done, in
 *                         order of submission, including those of a previous
 *                         page load.  A command leaves when it is "ok" or
 *                         "superseded", or on discard(); "failed", "rejected"
 *                         and "interrupted" stay until retry() or discard()
 *
 *     command.id          the token's id (UUIDv7); command.key never changes,
 *                         not even where retry() has to take a new id
 *     command.service     command.value, command.requests (of a composite;
 *                         its service is "a+b"), command.time (server's clock),
 *                         command.user
 *     command.state       signal: "pending" | "running" | "ok" | "rejected" |
 *                         "failed" | "interrupted" | "superseded"
 *     command.result      what the service has answered with, after "ok"
 *     command.error       {code, message} | null (tracked).  Besides the
 *                         server's codes: "user_changed" (failed), another
 *                         user has asked for it
 *     command.outcome     Promise of {outcome, id, seq?, result?, error?}; it
 *                         never rejects; after retry() there is a new one
 *     command.retry()     failed: the same id again.  rejected, interrupted:
 *                         a new id (the old one is answered for good)
 *     command.discard()   takes it off the list; cancels it if not answered
 *     command.cancel()    asks the server to stop it; state tells what came
 *
 * Commands survive reload and reconnect, are sent at most `limits.inflight` at
 * a time, in order within a service, and take effect once.  `busy` is retried
 * without further ado.  What is larger or deeper than the server's limits is
 * "rejected" here.
 *
 * ## Tokens
 *
 * A *source* is anything with subscribe(fn) -> stop: fromEvent(), any signal.
 *
 *     Token(source, on?)  signal of [t, error]
 *
 *     idle [null, null] --event--> busy [t, null] --t()-----> idle
 *                                                 --t(err)--> failed [null, err]
 *     failed --event (retry)--> busy
 *
 *     Only events for which on(event) holds count (default: not null or
 *     undefined).  Events while busy are discarded.  A spent t is dead.
 *     t.event is the event that made it.  .dispose() ends it.
 *
 *     OnAll(source, on?)  signal of an array of [t, event], one per event that
 *                         is not spent yet, in order.  t(err) spends as well.
 *                         .dispose() ends it
 *
 *     spend(t, command)   ok, superseded: t().  rejected, failed: t(error); a
 *                         Token keeps the error and the command is discarded, a
 *                         row of OnAll does not, and the command stays in
 *                         live.commands; if its t is still up, a retry or a
 *                         discard of the command spends it.  interrupted: t
 *                         stays up.  Where t.signal is aborted, the command is
 *                         discarded, and cancelled on the server
 *     live.run(t, ...)    spend(t, live.send(...)), once for each t: an effect
 *                         that comes by again gets the same command.  Without a
 *                         service: what t asks for by itself (withRequest)
 *
 * More tokens (the latest wins, stamped, composite, ...) are in token-zoo.js,
 * forms in token-forms.js, pages without JavaScript in token-html.js.
 *
 * ## Reconciliation
 *
 *     reconcileBy({records, commands, identify?, sortKey?, optimistic?})
 *       -> array of rows [record, command]; row.key is stable for the DOM
 *
 *     records, commands: arrays, or signals of them (then use it in computed).
 *     Authoritative rows are [record, null], sorted by sortKey(record)
 *     (default: record.seq).  After them, in order of submission, every
 *     command that has no record yet: [optimistic(command), command], by
 *     default {seq: undefined, token: id, user, time, value}.  They are the
 *     same row when identify(record) is (default: record.token).
 *
 * ## DOM
 *
 *     fromEvent(target, type, map?)   a source of events, or of map(event)
 *                                     (null or undefined: no event)
 *     list(parent, rows, create, key?) -> stop
 *         keyed children: create(row: signal) -> Element once per key
 *         (default: row.key), moved only where the order has changed;
 *         effects made in create end with the row.  rows: signal of an array
 *
 * @module
 */

export { signal, computed, effect, batch, untracked } from "./token/signal.js";
export { connect } from "./token/live.js";
export { Token, OnAll, spend } from "./token/token.js";
export { reconcileBy } from "./token/reconcile.js";
export { fromEvent, list } from "./token/dom.js";
