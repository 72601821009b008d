// @ts-check
/** An nginx that serves the tutorial from a folder of its own. */

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import {
  chmod,
  mkdir,
  mkdtemp,
  readFile,
  rm,
  writeFile,
} from "node:fs/promises";
import { connect, createServer } from "node:net";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";

/** @typedef {import("node:child_process").ChildProcess} ChildProcess */

/**
 * @param {{root: string, change?: (conf: string) => string}} options
 */
export async function startNginx({ root, change = (conf) => conf }) {
  const prefix = await mkdtemp(join(tmpdir(), "token-browser-"));
  const port = await freePort();
  const conf = join(prefix, "nginx.conf");
  const log = join(prefix, "error.log");
  const text = await readFile(join(root, "examples/tutorial.conf"), "utf8");

  // The workers may run as another user than the one who starts them.
  await chmod(prefix, 0o755);
  await Promise.all(
    ["logs", "store"].map(async (name) => {
      await mkdir(join(prefix, name));
      await chmod(join(prefix, name), 0o777);
    }),
  );
  await writeFile(conf, change(adapt(text, { root, prefix, port })));

  const run = () => launch({ prefix, conf, log, port });
  let server = await run();

  return {
    base: `http://127.0.0.1:${port}`,

    /** New workers take over; the old ones send their sessions away. */
    reload: () => server.kill("SIGHUP"),

    /** Ends nginx; resume() starts it again. */
    pause: () => end(server, "SIGTERM"),
    resume: async () => {
      server = await run();
    },

    async stop() {
      await end(server, "SIGQUIT");

      const bad = (await readFile(log, "utf8"))
        .split("\n")
        .filter((line) => /\[(alert|emerg|crit)\]|Sanitizer/.test(line));

      assert.deepEqual(bad, [], "nginx has complained");
      await rm(prefix, { recursive: true, force: true });
    },
  };
}

/**
 * The tutorial's configuration with the places of this run.
 *
 * @param {string} text
 * @param {{root: string, prefix: string, port: number}} places
 */
function adapt(text, { root, prefix, port }) {
  const module =
    process.env.TOKEN_MODULE ?? join(root, "build/ngx_http_token_module.so");

  /** @type {Record<string, string | number>} */
  const places = {
    LOAD_MODULE:
      (module === "static" ? "" : `load_module ${module};`) + " daemon off;",
    USER: process.getuid?.() === 0 ? "user root;" : "",
    WORKERS: 2,
    PREFIX: prefix,
    ERROR_LOG: join(prefix, "error.log"),
    MIME_TYPES: process.env.MIME_TYPES ?? "/etc/nginx/mime.types",
    STORE: join(prefix, "store"),
    PORT: port,
    HTML: join(root, "html"),
    USERS: join(root, "examples/users"),
  };

  return text.replace(/@([A-Z_]+)@/g, (_, name) => {
    assert.ok(name in places, `what is @${name}@?`);
    return String(places[name]);
  });
}

/**
 * @param {{prefix: string, conf: string, log: string, port: number}} places
 */
async function launch({ prefix, conf, log, port }) {
  const server = spawn(
    process.env.NGINX ?? "nginx",
    ["-p", prefix, "-c", conf, "-e", log],
    {
      env: {
        ...process.env,
        PATH: `${process.env.PATH}${delimiter}/usr/sbin${delimiter}/sbin`,
      },
      stdio: ["ignore", "ignore", "inherit"],
    },
  );

  for (let tries = 0; tries < 500; tries++) {
    assert.equal(server.exitCode, null, "nginx has not started");

    if (await accepts(port)) {
      return server;
    }

    await new Promise((wake) => {
      setTimeout(wake, 20);
    });
  }

  server.kill("SIGKILL");
  throw new Error("nginx does not answer");
}

/**
 * @param {ChildProcess} server
 * @param {NodeJS.Signals} signal
 */
export async function end(server, signal) {
  if (server.exitCode === null && server.signalCode === null) {
    const exit = once(server, "exit");
    const timer = setTimeout(() => server.kill("SIGKILL"), 20000);

    server.kill(signal);
    await exit;
    clearTimeout(timer);
  }
}

/** @param {number} port */
export function accepts(port) {
  return new Promise((answer) => {
    const socket = connect(port, "127.0.0.1");

    socket.on("connect", () => {
      socket.destroy();
      answer(true);
    });
    socket.on("error", () => answer(false));
  });
}

export async function freePort() {
  const server = createServer().listen(0, "127.0.0.1");

  await once(server, "listening");

  const address = server.address();

  assert.ok(address && typeof address === "object");
  server.close();
  await once(server, "close");
  return address.port;
}
