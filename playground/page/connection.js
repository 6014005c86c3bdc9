/** Messages to a session and its replies, in order; docs/reference/playground-protocol.md describes them. */

const ARRAYS = {float32: Float32Array, float64: Float64Array, uint8: Uint8Array};

/** The session refused a message. `field` and `position` say where the error is. */
export class Refusal extends Error {
  constructor({problem, field = null, position = null}) {
    super(problem);
    Object.assign(this, {field, position});
  }
}

/** The session has ended. The page shows one message for all requests that fail because of it. */
class Gone extends Error {}

/** A reply, with its arrays under their names, without a copy, and their shapes under `shapes`. */
export function unpack(data) {
  if (typeof data === "string") return JSON.parse(data);
  if (new TextDecoder().decode(data.slice(0, 4)) !== "NDG1") throw new Error("the session sent an invalid packet");
  const length = new DataView(data).getUint32(4, true), reply = JSON.parse(new TextDecoder().decode(data.slice(8, 8 + length)));
  reply.shapes = {};
  for (const [name, type, shape, offset] of reply.arrays) {
    reply[name] = new ARRAYS[type](data, offset, shape.reduce((a, b) => a * b, 1));
    reply.shapes[name] = shape;
  }
  return reply;
}

/**
 * Sends messages to a session of the server. Every transport has `send(text)` and `start({ready, reply, ended})`. It calls `ready()` once, when the session
 * answers messages, `reply(data)` for each message, in order, and `ended(why)` once, when the session has ended.
 */
export class SocketTransport {
  constructor(url) {
    this.url = url;
  }

  start({ready, reply, ended}) {
    this.socket = new WebSocket(this.url);
    this.socket.binaryType = "arraybuffer";
    this.socket.addEventListener("open", ready);
    this.socket.addEventListener("message", event => reply(event.data));
    this.socket.addEventListener("close", () => ended(""));
  }

  send(text) {
    if (this.socket.readyState === WebSocket.OPEN) this.socket.send(text);  // otherwise it is closing, and `ended` follows
  }
}

/** Sends messages to a session in a web worker of this page, which runs worker.js. */
export class WorkerTransport {
  start({ready, reply, ended}) {
    this.worker = new Worker(new URL("worker.js", import.meta.url), {type: "module"});
    this.worker.addEventListener("message", ({data}) => {
      if (data.ready) ready();
      else if (data.ended) ended(data.ended);
      else reply(data);
    });
    this.worker.addEventListener("error", event => {
      event.preventDefault();
      ended(`the worker cannot run: ${event.message ?? "worker.js could not be loaded"}`);
    });
  }

  send(text) {
    this.worker.postMessage(text);
  }
}

export class Connection {
  /** `lost(why)` is called once, when the session has ended; `why` is "" if the reason is unknown. */
  constructor(transport, lost) {
    this.transport = transport;
    this.waiting = [];
    this.isOpen = this.isLost = false;
    this.opened = new Promise((done, failed) => transport.start({
      ready: () => {
        this.isOpen = true;
        done();
      },
      reply: data => this.waiting.shift().done(data),
      ended: why => {
        if (this.isLost) return;
        this.isOpen = false;
        this.isLost = true;
        failed(new Gone("the session cannot be reached"));
        for (const each of this.waiting.splice(0)) each.failed(new Gone("the session has ended"));
        lost(why);
      },
    }));
    addEventListener("unhandledrejection", event => { if (event.reason instanceof Gone) event.preventDefault(); });
  }

  /** Send a message and return the reply. Throws a Refusal. */
  async ask(message) {
    const reply = unpack(await this.hear(message));
    if (reply.is === "error") throw new Refusal(reply);
    return reply;
  }

  /** Send a message and return the reply as it was sent. */
  hear(message) {
    if (!this.isOpen) return Promise.reject(new Gone("the session has ended"));
    return new Promise((done, failed) => {
      this.waiting.push({done, failed});
      this.transport.send(JSON.stringify(message));
    });
  }
}
