// @ts-check
/**
 * What a client asks for: an endless list of steps, the same for the same
 * seed.  Nothing here looks at a clock or at what the server says; where a
 * step depends on that ("the version that I know") it says so by a word, which
 * the client resolves at the moment of asking.
 */

/** @typedef {import("./random.mjs").Random} Random */

/**
 * @typedef {object} Request
 * @property {string} service
 * @property {any} [value]
 * @property {"current" | "stale"} [guess]  put: the version to expect
 *
 * @typedef {object} Step
 * @property {number} wait                  ms before it
 * @property {Request[]} requests           one, or a composite
 * @property {"same" | "other" | null} twice  sent twice: on this connection,
 *                                          or on a second one as well
 * @property {number | null} cancel         ms after which it is cancelled
 * @property {boolean} again                a `failed` is tried again
 * @property {"repeat" | "reuse" | null} after  once it is answered: the same
 *                                          again, or the id for another request
 */

const KEYS = 40;

/** how often each kind of request is made */
const WEIGHTS = {
  toggle: 14,
  add: 20,
  count: 8,
  say: 14,
  put: 14,
  merge: 8,
  several: 8,
  drop: 3,
  wrong: 3,
  bad_number: 2,
  bad_value: 1,
  nope: 1,
};

/** prefixes of services, and how often each */
const WAYS = { "": 70, slow_: 12, flaky_: 12, slow_flaky_: 6 };

/** services that exist slow, flaky, and both as well */
const VARIED = ["toggle", "add", "say", "put", "several"];

/**
 * @param {Random} random
 * @param {string} name  of the client, for keys that are its own
 * @returns {Generator<Step, never>}
 */
export function* plan(random, name) {
  for (let n = 1; ; n++) {
    const requests = [request(random, name, n)];

    if (random.chance(0.15)) {
      const more = random.int(1, 3);

      for (let i = 0; i < more; i++) {
        requests.push(request(random, name, n));
      }
    }

    /* each draw is made, whether it is used or not: so steps stay aligned */

    const wait = random.int(5, 160);
    const twice = random.weighted({ none: 76, same: 8, other: 16 });
    const cancelled = random.chance(0.1);
    const cancel = random.int(0, 160);
    const again = random.chance(0.6);
    const after = random.weighted({ none: 80, repeat: 14, reuse: 6 });

    yield {
      wait,
      requests,
      twice: twice === "none" ? null : twice,
      cancel: cancelled ? cancel : null,
      again,
      after: after === "none" ? null : after,
    };
  }
}

/**
 * @param {Random} random
 * @param {string} name
 * @param {number} n
 * @returns {Request}
 */
function request(random, name, n) {
  const kind = random.weighted(WEIGHTS);
  const way = random.weighted(WAYS);
  const service = VARIED.includes(kind) ? way + kind : kind;
  const amount = random.int(-5, 9);
  const key = random.chance(0.1)
    ? `${name}-${n}`
    : `k${random.int(1, KEYS)}`;
  const guess = random.chance(0.75) ? "current" : "stale";
  const size = random.chance(0.15) ? random.int(1000, 12000) : 0;
  const text = `${name}.${n} \u00e4\u{1f600}"\\${"x".repeat(size)}`;
  const member = random.pick(["a", "b", "c"]);
  const patch = random.pick([amount, null, { [member]: n }, [name, n]]);

  switch (kind) {
    case "add":
      return { service, value: { key, n: amount } };
    case "drop":
      return { service, value: { key } };
    case "count":
      return { service, value: { n: amount } };
    case "say":
      return { service, value: { text } };
    case "put":
      return { service, value: { value: `${name}.${n}` }, guess };
    case "merge":
      return { service, value: { [member]: patch } };
    case "several":
      return { service, value: { n: amount, text } };
    case "bad_number":
      return { service: "add", value: { key, n: "one" } };
    case "bad_value":
      return { service: "add", value: { key } };
    default:
      return { service };
  }
}
