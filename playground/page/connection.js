/** Talking to a session: one message, one reply, in order, as playground/session.py specifies. */

const ARRAYS = {float32: Float32Array, float64: Float64Array, uint8: Uint8Array};

/** What the session would not do: `field` and `position` say where the mistake is. */
export class Refusal extends Error {
  constructor({problem, field = null, position = null}) {
    super(problem);
    Object.assign(this, {field, position});
  }
}

/** There is no session to ask any more; the page says so once, for all that was asked. */
export class Gone extends Error {}

/** A reply with its arrays under their names, not copied, and their shapes under `shapes`. */
export function unpack(data) {
  if (typeof data === "string") return JSON.parse(data);
  if (new TextDecoder().decode(data.slice(0, 4)) !== "NDG1") throw new Error("a packet that is none came from the session");
  const length = new DataView(data).getUint32(4, true), reply = JSON.parse(new TextDecoder().decode(data.slice(8, 8 + length)));
  reply.shapes = {};
  for (const [name, type, shape, offset] of reply.arrays) {
    reply[name] = new ARRAYS[type](data, offset, shape.reduce((a, b) => a * b, 1));
    reply.shapes[name] = shape;
  }
  return reply;
}

export class Connection {
  /** `lost()` is called once, when the session is gone. */
  constructor(url, lost) {
    this.waiting = [];
    this.isLost = false;
    this.socket = new WebSocket(url);
    this.socket.binaryType = "arraybuffer";
    this.opened = new Promise((done, failed) => {
      this.socket.addEventListener("open", done);
      this.socket.addEventListener("error", () => failed(new Gone("the session cannot be reached")));
    });
    this.socket.addEventListener("message", event => this.#take(event.data));
    this.socket.addEventListener("close", () => {
      this.isLost = true;
      for (const {failed} of this.waiting.splice(0)) failed(new Gone("the session is gone"));
      lost();
    });
    addEventListener("unhandledrejection", event => { if (event.reason instanceof Gone) event.preventDefault(); });
  }

  /** Send a message; the reply, or a Refusal. */
  ask(message) {
    if (this.socket.readyState !== WebSocket.OPEN) return Promise.reject(new Gone("the session is gone"));
    return new Promise((done, failed) => {
      this.waiting.push({done, failed});
      this.socket.send(JSON.stringify(message));
    });
  }

  #take(data) {
    const reply = unpack(data), {done, failed} = this.waiting.shift();
    if (reply.is === "error") failed(new Refusal(reply));
    else done(reply);
  }
}
