// @ts-check
/**
 * A TCP proxy in front of nginx, that does to connections what networks do:
 * it cuts them, holds them up, loses one side of them, and hands on what is
 * sent late and in pieces.
 */

import { connect, createServer } from "node:net";
import { once } from "node:events";

/** @typedef {import("node:net").Socket} Socket */

class Pipe {
  /**
   * @param {Socket} client
   * @param {Socket} server
   */
  constructor(client, server) {
    this.client = client;
    this.server = server;
    this.held = false;
    this.deaf = false;
    /** bytes in a piece, 0: as it comes; ms before each */
    this.piece = 0;
    this.delay = 0;
    this.ended = false;

    this.hand(client, server);
    this.hand(server, client);
  }

  /**
   * @param {Socket} from
   * @param {Socket} to
   */
  hand(from, to) {
    /** what waits, in order: nothing overtakes it */
    let queue = Promise.resolve();
    let waiting = 0;

    from.setNoDelay(true);
    from.on("data", (data) => {
      if (this.deaf) return;

      if (!this.piece && !this.delay && !waiting) {
        if (!to.write(data)) {
          from.pause();
          to.once("drain", () => this.held || from.resume());
        }
        return;
      }

      from.pause();
      waiting++;
      queue = queue.then(() => this.pieces(data, to)).then(() => {
        if (--waiting === 0 && !this.held) from.resume();
      });
    });
    from.on("end", () => queue.then(() => this.deaf || to.end()));
    from.on("error", () => {});
    from.on("close", () => queue.then(() => this.deaf || this.cut()));
  }

  /**
   * @param {Buffer} data
   * @param {Socket} to
   */
  async pieces(data, to) {
    const size = this.piece || data.length;

    for (let i = 0; i < data.length && !this.ended; i += size) {
      if (this.delay) await pause(this.delay);
      to.write(data.subarray(i, i + size));
      if (this.piece) await pause(0);
    }
  }

  /** Nothing passes, in either direction. */
  hold() {
    this.held = true;
    this.client.pause();
    this.server.pause();
  }

  release() {
    this.held = false;
    this.piece = 0;
    this.delay = 0;
    this.client.resume();
    this.server.resume();
  }

  /** @param {boolean} reset */
  cut(reset = false) {
    if (this.ended) return;
    this.ended = true;

    for (const socket of [this.client, this.server]) {
      if (reset) socket.resetAndDestroy();
      else socket.destroy();
    }
  }

  /** The client is gone, and the server is not told of it. */
  lose() {
    this.deaf = true;
    this.client.resetAndDestroy();
  }
}

export class Proxy {
  /** @param {number} to  a port of 127.0.0.1 */
  constructor(to) {
    this.to = to;
    /** @type {Set<Pipe>} */
    this.pipes = new Set();
    this.server = createServer((client) => this.accept(client));
  }

  async listen() {
    this.server.listen(0, "127.0.0.1");
    await once(this.server, "listening");

    const address = this.server.address();
    this.port = typeof address === "object" && address ? address.port : 0;

    return this.port;
  }

  /** @param {Socket} client */
  accept(client) {
    const server = connect({ host: "127.0.0.1", port: this.to });
    const pipe = new Pipe(client, server);

    this.pipes.add(pipe);
    server.on("close", () => {
      this.pipes.delete(pipe);
      pipe.cut();
    });
  }

  /** Ends every fault; whom the server still talks to in vain is cut. */
  heal() {
    for (const pipe of this.pipes) {
      if (pipe.deaf) pipe.cut();
      else pipe.release();
    }
  }

  close() {
    this.server.close();
    for (const pipe of this.pipes) pipe.cut();
  }
}

/** @param {number} ms */
function pause(ms) {
  return new Promise((wake) => {
    if (ms) setTimeout(wake, ms);
    else setImmediate(wake);
  });
}
