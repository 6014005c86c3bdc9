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
    this.canRestart = true;
  }

  start({ready, reply, ended}) {
    this.socket = new WebSocket(this.url);
    this.socket.binaryType = "arraybuffer";
    this.socket.addEventListener("open", ready);
    this.socket.addEventListener("message", event => reply(event.data));
    this.socket.addEventListener("close", event => ended(event.code === 1006 ? "" : event.reason));  // 1006: the connection was cut
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

const PAUSE = 2000;  // milliseconds between attempts to connect again

export class Connection {
  /**
   * `lost(why)` is called when the session has ended; `why` is "" if the reason is unknown. If the transport can start again, a visible page tries to
   * connect until there is a new session, and then calls `again()`. Messages longer than `most` characters are refused.
   */
  constructor(transport, {lost, again}) {
    Object.assign(this, {transport, lost, again, waiting: [], isOpen: false, isLost: false, most: Infinity});
    this.opened = new Promise((done, failed) => Object.assign(this, {done, failed}));
    this.#start();
    addEventListener("unhandledrejection", event => { if (event.reason instanceof Gone) event.preventDefault(); });
  }

  #start() {
    this.transport.start({
      ready: () => {
        const isNew = this.isLost;
        this.isOpen = true;
        this.isLost = false;
        this.done();
        if (isNew) this.again();
      },
      reply: data => this.waiting.shift().done(data),
      ended: why => this.#end(why),
    });
  }

  #end(why) {
    if (this.transport.canRestart) setTimeout(() => requestAnimationFrame(() => this.#start()), PAUSE);
    if (this.isLost) return;
    this.isOpen = false;
    this.isLost = true;
    this.failed(new Gone("the session cannot be reached"));
    for (const each of this.waiting.splice(0)) each.failed(new Gone("the session has ended"));
    this.lost(why);
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
    const text = JSON.stringify(message);
    if (text.length > this.most) return Promise.reject(new Refusal({problem: `This is too long: ${millions(text.length)} characters. The limit is ${millions(this.most)}.`}));
    return new Promise((done, failed) => {
      this.waiting.push({done, failed});
      this.transport.send(text);
    });
  }
}

const millions = count => `${(count / 1e6).toFixed(1)} million`;
