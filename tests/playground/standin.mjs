/** Stands in for Pyodide: the functions of it that the worker uses, done by a Python process behind the server of the test. */

const isFull = true;  // not Pyodide's core alone

export async function loadPyodide({indexURL}) {
  const memory = new Uint8Array(2 ** 22);

  /** Ask the server, and wait for its answer, as Python in a worker would be waited for. */
  function ask(what, content) {
    const request = new XMLHttpRequest();
    request.open("POST", indexURL + what, false);
    request.responseType = "arraybuffer";
    request.send(content);
    if (request.status !== 200) throw new Error(`Traceback (most recent call last):\n  ...\n${new TextDecoder().decode(request.response)}\n`);
    return request;
  }

  /** Python's bytes, which lie somewhere in its memory and are gone when they are let go. */
  function held(content) {
    const view = memory.subarray(3, 3 + content.byteLength);
    let views = 0;
    view.set(new Uint8Array(content));
    return {
      getBuffer: type => {
        if (type !== "u8") throw new TypeError(type);
        views++;
        return {data: view, release: () => { views--; }};
      },
      destroy: () => {
        if (views) throw new Error("a view of what is let go is still held");
        view.fill(0);
      },
    };
  }

  const loadedPackages = {};
  return {
    loadedPackages,
    loadPackage: async name => { if (isFull) loadedPackages[name] = "default channel"; },
    unpackArchive: (archive, format) => {
      if (format !== "zip" || !(archive instanceof ArrayBuffer)) throw new TypeError(format);
      ask("unpack", archive);
    },
    runPython: source => {
      if (!loadedPackages.numpy) throw new Error("No module named 'numpy'");
      ask("run", source);
      return text => {
        const {response} = ask("handle", text), kind = new Uint8Array(response)[0], content = response.slice(1);
        return kind ? held(content) : new TextDecoder().decode(content);
      };
    },
  };
}
