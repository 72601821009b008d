// @ts-check
/** What the tests of token_echo with other people's WebSockets share. */

/** Around the bounds of the length forms, and of what is compressed. */
export const SIZES = [
  0, 1, 125, 126, 127, 255, 256, 4096, 65535, 65536, 65537, 131072,
];

/** Records as an application has them: they shrink to about a tenth. */
export const RECORDS = Array.from({ length: 4000 }, (_, n) =>
  JSON.stringify({ type: "record", seq: n, user: `u${n % 7}`, at: n * 7919 }),
).join("\n");

const LOCATIONS = `
        location = /deflated {
            token_echo; token_deflate 6; token_max_message 16m;
            token_max_ratio 0; token_max_frames 10000;
        }
        location = /plain { token_echo; token_max_message 16m; }

        location = /live {`;

/**
 * The tutorial's configuration with two locations more.
 *
 * @param {string} conf
 */
export const withEcho = (conf) =>
  conf.replace("location = /live {", LOCATIONS.trim());
