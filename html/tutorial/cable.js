// @ts-check
/**
 * A network cable that can be pulled: options for connect().
 *
 * While it is out, nothing arrives and nothing gets away, and after a moment
 * the browser notices.  The server is not told: it goes on writing to a
 * connection whose other end is gone, as it is with real cables.
 */

import { signal } from "../token.js";

/** Ms until the loss is noticed. */
const NOTICED = 600;

export function cable() {
  const pulled = signal(false);
  /** @type {Set<Line>} */
  const lines = new Set();

  /** What Connection needs of a WebSocket. */
  class Line {
    /** @type {((event: {data: unknown}) => void) | null} */
    onmessage = null;
    /** @type {((event: {code: number, reason: string}) => void) | null} */
    onclose = null;

    /**
     * @param {string} url
     * @param {string} protocol
     */
    constructor(url, protocol) {
      this.dead = pulled.peek();

      if (this.dead) {
        queueMicrotask(() => this.lose());
        return;
      }

      this.socket = new WebSocket(url, protocol);
      this.socket.onmessage = (event) => this.dead || this.onmessage?.(event);
      this.socket.onclose = (event) => {
        lines.delete(this);
        this.onclose?.(event);
      };
      lines.add(this);
    }

    /** @param {string} text */
    send(text) {
      if (!this.dead) {
        this.socket?.send(text);
      }
    }

    /**
     * @param {number} code
     * @param {string} reason
     */
    close(code, reason) {
      if (!this.dead) {
        this.socket?.close(code, reason);
      }
    }

    lose() {
      this.onclose?.({ code: 1006, reason: "" });
    }
  }

  return {
    /** signal: whether it is out */
    pulled,

    /** for connect() */
    options: {
      WebSocket: /** @type {any} */ (Line),
      online: () => !pulled.peek() && navigator.onLine,
    },

    pull() {
      pulled.value = true;

      for (const line of lines) {
        line.dead = true;
        setTimeout(() => line.lose(), NOTICED);
      }
    },

    plug() {
      pulled.value = false;

      // Only now the server may learn that they are gone.
      for (const line of lines) {
        if (line.dead) {
          line.socket?.close();
          line.lose();
        }
      }

      window.dispatchEvent(new Event("online"));
    },
  };
}
