// @ts-check
/**
 * A WebSocket client (RFC 6455) that forgives nothing: what the server does
 * against the RFC is reported, and the socket can be left unread or broken on
 * purpose.
 */

import { createHash, randomBytes } from "node:crypto";
import { connect } from "node:net";

const GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
const PROTOCOL = "token.v1";
const utf8 = new TextDecoder("utf-8", { fatal: true });

/**
 * @typedef {object} Handlers
 * @property {(headers: Map<string, string>) => void} open
 * @property {(text: string) => void} message
 * @property {(code: number, reason: string) => void} close  once, at the end;
 *   1006: without a close frame
 * @property {(text: string) => void} breach  the server has broken a rule
 */

export class WebSocketClient {
  /**
   * @param {{port: number, path: string, on: Handlers}} options
   */
  constructor({ port, path, on }) {
    this.on = on;
    this.input = Buffer.alloc(0);
    /** @type {Buffer[]} pieces of a fragmented message */
    this.pieces = [];
    this.open = false;
    this.ended = false;
    this.code = 1006;
    this.reason = "";

    this.key = randomBytes(16).toString("base64");
    this.socket = connect({ host: "127.0.0.1", port });
    this.socket.setNoDelay(true);

    this.socket.on("connect", () => {
      this.socket.write(
        `GET ${path} HTTP/1.1\r\nHost: 127.0.0.1\r\n` +
          "Upgrade: websocket\r\nConnection: Upgrade\r\n" +
          `Sec-WebSocket-Key: ${this.key}\r\n` +
          "Sec-WebSocket-Version: 13\r\n" +
          `Sec-WebSocket-Protocol: ${PROTOCOL}\r\n\r\n`,
      );
    });
    this.socket.on("data", (data) => this.receive(data));
    this.socket.on("error", (e) => this.finish(1006, e.message));
    this.socket.on("close", () => this.finish(this.code, this.reason));
  }

  /** @param {string} text */
  send(text) {
    this.frame(0x1, Buffer.from(text));
  }

  /** Begins the closing handshake. */
  close(code = 1000) {
    if (this.ended) return;
    this.frame(0x8, Buffer.from([code >> 8, code & 0xff]));
    setTimeout(() => this.abort(), 2000).unref();
  }

  /** Leaves without a word; a reset, so that nothing lingers. */
  abort() {
    this.socket.resetAndDestroy();
    this.finish(1006, "left");
  }

  pause() {
    this.socket.pause();
  }

  resume() {
    this.socket.resume();
  }

  /**
   * @param {number} opcode
   * @param {Buffer} data
   */
  frame(opcode, data) {
    if (this.ended || !this.open) return;

    const mask = randomBytes(4);
    const head =
      data.length < 126
        ? Buffer.from([0x80 | opcode, 0x80 | data.length])
        : Buffer.from([
            0x80 | opcode,
            0x80 | 126,
            data.length >> 8,
            data.length & 0xff,
          ]);
    const body = Buffer.from(data);

    for (let i = 0; i < body.length; i++) body[i] ^= mask[i & 3];

    this.socket.write(Buffer.concat([head, mask, body]));
  }

  /** @param {Buffer} data */
  receive(data) {
    this.input = this.input.length ? Buffer.concat([this.input, data]) : data;

    if (!this.open && !this.handshake()) return;

    while (!this.ended && this.next());
  }

  /** @returns {boolean} it is through */
  handshake() {
    const end = this.input.indexOf("\r\n\r\n");
    if (end < 0) return false;

    const [status, ...lines] = this.input
      .subarray(0, end)
      .toString()
      .split("\r\n");
    const headers = new Map(
      lines.map((line) => {
        const colon = line.indexOf(":");
        const name = line.slice(0, colon).toLowerCase();
        return [name, line.slice(colon + 1).trim()];
      }),
    );

    this.input = this.input.subarray(end + 4);

    if (!/^HTTP\/1\.1 101 /.test(status)) {
      this.finish(1006, `handshake: ${status}`);
      this.socket.destroy();
      return false;
    }

    const accept = createHash("sha1").update(this.key + GUID).digest("base64");

    if (headers.get("sec-websocket-accept") !== accept) {
      this.on.breach("the handshake's Sec-WebSocket-Accept is wrong");
    }

    if (headers.get("sec-websocket-protocol") !== PROTOCOL) {
      this.on.breach("the handshake does not name the protocol");
    }

    this.open = true;
    this.on.open(headers);

    return true;
  }

  /** Takes one frame; false: it is not all there yet. */
  next() {
    const b = this.input;
    if (b.length < 2) return false;

    let length = b[1] & 0x7f;
    let start = 2;

    if (length === 126) {
      if (b.length < 4) return false;
      length = b.readUInt16BE(2);
      start = 4;
    } else if (length === 127) {
      if (b.length < 10) return false;
      length = Number(b.readBigUInt64BE(2));
      start = 10;
    }

    if (b.length < start + length) return false;

    if (b[0] & 0x70 || b[1] & 0x80) {
      this.on.breach(`frame with reserved bits or a mask: ${b[0]} ${b[1]}`);
    }

    this.input = b.subarray(start + length);

    const data = b.subarray(start, start + length);
    this.take(b[0] & 0x0f, (b[0] & 0x80) !== 0, data);

    return true;
  }

  /**
   * @param {number} opcode
   * @param {boolean} fin
   * @param {Buffer} data
   */
  take(opcode, fin, data) {
    switch (opcode) {
      case 0x0:
      case 0x1:
        if ((opcode === 0x0) === (this.pieces.length === 0)) {
          this.on.breach(`frame of opcode ${opcode} out of order`);
        }

        this.pieces.push(data);

        if (fin) {
          const whole = Buffer.concat(this.pieces);
          this.pieces = [];
          this.text(whole);
        }
        break;

      case 0x8:
        this.code = data.length >= 2 ? data.readUInt16BE(0) : 1005;
        this.reason = data.subarray(2).toString();
        this.frame(0x8, data);
        this.socket.end();
        this.finish(this.code, this.reason);
        break;

      case 0x9:
        this.frame(0xa, data);
        break;

      case 0xa:
        break;

      default:
        this.on.breach(`frame of opcode ${opcode}`);
    }
  }

  /** @param {Buffer} data */
  text(data) {
    let text;

    try {
      text = utf8.decode(data);
    } catch {
      this.on.breach("text is not UTF-8");
      return;
    }

    for (const line of text.split("\n")) {
      if (!this.ended) this.on.message(line);
    }
  }

  /**
   * @param {number} code
   * @param {string} reason
   */
  finish(code, reason) {
    if (this.ended) return;
    this.ended = true;
    this.on.close(code, reason);
  }
}
