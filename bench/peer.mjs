// @ts-check

/**
 * The smallest server with npm's `ws`:
 *
 *     node bench/peer.mjs PORT none | redis URL | postgres URL
 *
 * A message on /p goes to all of /s, one on /e back, and a token on /live is
 * stored before it is answered.  The stores get one command or one statement
 * each, pipelined or pooled as their clients do by themselves.
 */

import { WebSocketServer } from "ws";

const [port, kind, url] = process.argv.slice(2);

/** @type {(id: string, value: string) => Promise<unknown>} */
let store = async () => { throw new Error("no store"); };

if (kind === "redis") {
  const { createClient } = await import("redis");
  const client = createClient({ url });
  await client.connect();
  store = (id, value) => client.xAdd("spent", "*", { id, value });
} else if (kind === "postgres") {
  const { default: pg } = await import("pg");
  const pool = new pg.Pool({ connectionString: url });
  await pool.query(`CREATE TABLE IF NOT EXISTS spent (seq bigserial,
    id uuid PRIMARY KEY, value text)`);
  store = (id, value) => pool.query({ name: "spend", values: [id, value],
    text: "INSERT INTO spent (id, value) VALUES ($1, $2)" });
}

/** @type {Set<import("ws").WebSocket>} */
const readers = new Set();

const server = new WebSocketServer({ port: Number(port), host: "127.0.0.1",
  backlog: 4096, perMessageDeflate: false });

server.on("connection", (socket, request) => {
  socket.on("error", () => socket.terminate());

  switch (request.url) {
    case "/s":
      readers.add(socket);
      socket.on("close", () => readers.delete(socket));
      break;
    case "/p":
      socket.on("message", (data) => {
        for (const reader of readers) reader.send(data, { binary: false });
      });
      break;
    case "/e":
      socket.on("message", (data) => socket.send(data, { binary: false }));
      break;
    default:
      socket.on("message", async (data) => {
        const { id, value } = JSON.parse(String(data));
        await store(id, value);
        socket.send(JSON.stringify({ type: "outcome", id, outcome: "ok" }));
      });
  }
});
