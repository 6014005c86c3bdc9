/** A session in a web worker: Python, compiled to WebAssembly, and in it the session that playground/session.py specifies.
 *
 * What comes in is a message, as text. What goes out is its reply, text or an ArrayBuffer, in the order of the messages; before them all
 * {ready: true}, once; and after them, where there can be no more, {ended: "why"}. Messages may come before it is ready.
 */

const PYODIDE = "./pyodide/";  // where Pyodide is: `python -m playground.site` writes the address here

const session = begin();
session.then(() => postMessage({ready: true}), error => end("Python could not be loaded", error));

async function begin() {
  const indexURL = new URL(PYODIDE, import.meta.url).href;
  const sources = fetched(new URL("nudge.zip", import.meta.url));
  const {loadPyodide} = await import(`${indexURL}pyodide.mjs`);
  const python = await loadPyodide({indexURL});
  await python.loadPackage("numpy", {messageCallback: () => {}});
  if (!python.loadedPackages.numpy) throw new Error(`${indexURL} has no numpy: it takes the full distribution of Pyodide`);
  python.unpackArchive(await sources, "zip");
  return python.runPython("from playground import Session\nSession().handle");
}

async function fetched(url) {
  const response = await fetch(url);
  if (!response.ok) throw new Error(`${url.pathname} is not there (${response.status})`);
  return response.arrayBuffer();
}

addEventListener("message", async ({data}) => {
  const handle = await session.catch(() => null);
  if (!handle) return;  // it has been told
  try {
    const reply = handle(data);
    if (typeof reply === "string") return postMessage(reply);
    const packet = bytes(reply);
    postMessage(packet, [packet]);
  } catch (error) {  // a session refuses in a reply: here Python itself is at its end, out of memory for one
    end("Python has stopped", error);
    close();
  }
});

/** Python's bytes, in a buffer of their own, which can be handed over. */
function bytes(reply) {
  const view = reply.getBuffer("u8");
  try {
    return view.data.slice().buffer;
  } finally {
    view.release();
    reply.destroy();
  }
}

/** Tell the end, with what is said of an error: of a traceback of Python's, the line that names it. */
function end(what, error) {
  const lines = String(error?.message ?? error).trim().split("\n");
  postMessage({ended: `${what}: ${lines.findLast(line => /^[\w.]+: /.test(line)) ?? lines.at(-1)}`});
}
