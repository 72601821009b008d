// @ts-check
/**
 * The token zoo: what Token and OnAll of token.js have beside them.
 *
 *     import { CyclicToken, compose, withRequest } from "./token-zoo.js";
 *
 * A *source* is anything with subscribe(fn) -> stop, `on(event)` says which
 * events count (default: not null or undefined), .dispose() ends what takes
 * from a source.  Where `tokens` is written, a token, a signal of a token or
 * null, or a signal of a pair that has one (Token's, StampedToken's) will do.
 * In brackets: the name in Electric Clojure.
 *
 *     TokenNofail(source, on?)          [TokenNofail] signal of t | null;
 *                                       spent with anything, it is gone
 *     StampedToken(source, on?)         [StampedToken] signal of [event, t];
 *                                       later events change nothing while t is
 *                                       up; the event stays after the spend
 *     CyclicToken(source, on?, {rearm?})         [CyclicToken] signal of
 *     StampedCyclicToken(source, on?, {rearm?})  t | null, of [event, t]: the
 *                                       latest wins.  The token before is dead,
 *                                       its t.signal aborted, its command (of
 *                                       live.run) discarded and cancelled.
 *                                       rearm: another token for the same
 *                                       event after each spend
 *     Latchable(signal)                 [Latchable] signal of [value, latch];
 *                                       latch() freezes, what it returns thaws
 *     WithDataSlot(tokens, init)        [WithDataSlot] signal of [t, data];
 *                                       t(value) stores it; live.run(t, ...)
 *                                       stores the service's result
 *     trackToken(tokens)                [TrackToken] signal of [t, error]
 *     afterAck(t, f) -> t               [after-ack] f runs once when t is
 *                                       spent, either way
 *     stopErrPropagation(t) -> t        [stop-err-propagation] success and
 *                                       DISCARDED pass, errors do not
 *     withRequest(t, service, value?) -> t   what live.run(t) sends
 *     compose(name, ...tokens) -> t     [->Token] one spend, all children, with
 *                                       the same arguments; live.run(t) sends
 *                                       the requests of all as one transaction
 *     unanswered(live, which, source?)  a source of the commands that an earlier
 *                                       load of the page has left, and of the
 *                                       events of `source`; which: a service,
 *                                       or (command) => boolean.  What takes its
 *                                       events from here comes up as it was
 *     LatestEdit(rows)                  [LatestEdit] signal of a row | null;
 *                                       the rows before it are accepted
 *     trace(t), diff(a, b) -> text      [token-trace, token-diff]
 *     DISCARDED                         t(DISCARDED): the user does not want it
 *                                       any more; not an error
 *
 * What stands for a token (afterAck and the like) is the same intent: live.run
 * sends once for all of them, and once for the same children of a composite.
 *
 * @module
 */

export { compose } from "./token/compose.js";
export { CyclicToken, StampedCyclicToken } from "./token/cyclic.js";
export { Latchable } from "./token/latch.js";
export { LatestEdit } from "./token/latest.js";
export { afterAck, stopErrPropagation, withRequest } from "./token/proxy.js";
export { StampedToken, TokenNofail } from "./token/stamped.js";
export { DISCARDED } from "./token/token.js";
export { diff, trace } from "./token/trace.js";
export { trackToken, WithDataSlot } from "./token/track.js";
export { unanswered } from "./token/unanswered.js";
