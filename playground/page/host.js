/** Where this page runs: on the server, on a static site with a worker, in a notebook, or as a saved file. */

import {SocketTransport, WorkerTransport} from "./connection.js";
import {fromAddress, keepInAddress} from "./share.js";
import {SavedTransport} from "./saved.js";

const AGAIN = "Reload the page to start again: the address keeps your settings.";
const TRIES = "The page tries to connect again, and keeps the network until then.";

/**
 * The page's host. `transport` connects to the session. The page shows `loading` until the session answers, and `lost` when it has ended, or the reason
 * and `again` if the reason is known. `settings()` returns the initial settings, null if they are damaged. `keep(configuration, defaults)` stores settings.
 * With `greets` the story opens on the first visit; a notebook may name a `lesson` and its page. `saved` is the state of a saved page, otherwise null.
 */
export const host = saved() ?? cell() ?? address();

/** A page with an address, which contains the settings. */
function address() {
  const isAlone = document.querySelector("meta[name=session]")?.content === "worker";  // a static site
  return {
    transport: isAlone ? new WorkerTransport() : new SocketTransport(socketAddress()),
    loading: isAlone ? "Loading Python into this page, about 15 megabytes the first time." : "",
    lost: `The connection to the server is lost. Start the server again, if it was stopped. ${TRIES}`,
    again: isAlone ? AGAIN : TRIES,
    settings: fromAddress, keep: keepInAddress, hasAddress: true,
    greets: location.hash.length <= 1, saved: null,
  };
}

function socketAddress() {
  const address = new URL("socket", location.href);
  address.protocol = location.protocol === "https:" ? "wss:" : "ws:";
  address.search = address.hash = "";
  return address.href;
}

/** A frame in a notebook: playground/widget.js sets the conversation with the kernel, and the settings, on the frame's element. */
function cell() {
  const conversation = window.frameElement?.conversation;
  if (!conversation) return null;
  const again = "Run the cell again to start a new session.";
  return {
    transport: conversation, loading: "", lost: `The session has ended. ${again}`, again,
    settings: () => conversation.settings, hasAddress: false,
    keep: configuration => { conversation.settings = {...configuration, parameters: null}; },
    greets: false, lesson: conversation.lesson, saved: null,
  };
}

/** A file with a state that saved.js recorded: replies of the session, and the view of the page. */
function saved() {
  const state = JSON.parse(document.getElementById("saved")?.textContent ?? "null");
  if (!state) return null;
  return {
    transport: new SavedTransport(state), loading: "", lost: "", again: "",
    settings: () => ({}), keep: () => {}, hasAddress: false, greets: false, saved: state,
  };
}

/** The text of a file next to the page, or in it if the page is one file; null if there is no such file. */
export async function beside(path) {
  const within = document.querySelector(`script[data-file="${CSS.escape(path)}"]`);
  if (within) return JSON.parse(within.textContent);
  const answer = host.hasAddress ? await fetch(path) : null;
  return answer?.ok ? answer.text() : null;
}
