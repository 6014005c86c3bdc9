/** A session in a web worker: Python, compiled to WebAssembly, which runs playground/session.py.
 *
 * It receives messages as text and posts a reply to each, text or an ArrayBuffer, in the order of the messages. Before the first reply it posts {ready: true},
 * and after the last one, if Python cannot continue, {ended: "why"}. Messages may arrive before it is ready.
 */

const PYODIDE = "./pyodide/";  // `python -m playground.site` writes the address of Pyodide here

const session = begin();
session.then(() => postMessage({ready: true}), error => end("Python could not be loaded", error));

async function begin() {
  const indexURL = new URL(PYODIDE, import.meta.url).href;
  const sources = fetched(new URL("nudge.zip", import.meta.url));
  const {loadPyodide} = await import(`${indexURL}pyodide.mjs`);
  const python = await loadPyodide({indexURL});
  await python.loadPackage("numpy", {messageCallback: () => {}});
  if (!python.loadedPackages.numpy) throw new Error(`${indexURL} has no numpy: use the full distribution of Pyodide`);
  python.unpackArchive(await sources, "zip");
  return python.runPython("from playground import Session\nSession().handle");
}

async function fetched(url) {
  const response = await fetch(url);
  if (!response.ok) throw new Error(`${url.pathname} was not found (${response.status})`);
  return response.arrayBuffer();
}

addEventListener("message", async ({data}) => {
  const handle = await session.catch(() => null);
  if (!handle) return;  // the page already knows
  try {
    const reply = handle(data);
    if (typeof reply === "string") return postMessage(reply);
    const packet = bytes(reply);
    postMessage(packet, [packet]);
  } catch (error) {  // the session answers errors in replies, so Python itself has failed, for example out of memory
    end("Python has stopped", error);
    close();
  }
});

/** Python bytes as a new ArrayBuffer, which can be transferred. */
function bytes(reply) {
  const view = reply.getBuffer("u8");
  try {
    return view.data.slice().buffer;
  } finally {
    view.release();
    reply.destroy();
  }
}

/** Post that Python has ended, with the error; of a Python traceback the line that names the error. */
function end(what, error) {
  const lines = String(error?.message ?? error).trim().split("\n");
  postMessage({ended: `${what}: ${lines.findLast(line => /^[\w.]+: /.test(line)) ?? lines.at(-1)}`});
}
