/** Where this page is: beside a server, alone with a worker, in a notebook's cell, or a file with a saved state. */

import {SocketTransport, WorkerTransport} from "./connection.js";
import {fromAddress, keepInAddress} from "./share.js";
import {SavedTransport} from "./saved.js";

const AFRESH = "Reload the page to begin anew: the address keeps your settings.";

/**
 * The page's host. `transport` reaches the session; `loading` is said until it answers, and `lost` when it is gone, or `why` if that is
 * known, with `afresh`. `settings()` are those to begin with, null where they are damaged; `keep(configuration, usual)` keeps others, and is
 * false where they are too many. `lessons` are offered, and the story `greets` who comes for the first time, where they can be.
 * `saved` is the state that a saved page shows, null elsewhere.
 */
export const host = saved() ?? cell() ?? address();

/** A page that has an address, in which the settings are kept. */
function address() {
  const isAlone = document.querySelector("meta[name=session]")?.content === "worker";  // a page of files alone
  return {
    transport: isAlone ? new WorkerTransport() : new SocketTransport(socketAddress()),
    loading: isAlone ? "Python is being loaded into this page, some 15 megabytes the first time." : "",
    lost: "The session is gone: the server was stopped, or nothing was asked of it for long. Start it again, or reload the page: the address keeps your settings.",
    afresh: AFRESH,
    settings: fromAddress, keep: keepInAddress, hasAddress: true,
    lessons: true, greets: location.hash.length <= 1, saved: null,
  };
}

function socketAddress() {
  const address = new URL("socket", location.href);
  address.protocol = location.protocol === "https:" ? "wss:" : "ws:";
  address.search = address.hash = "";
  return address.href;
}

/** A frame in a notebook's cell: playground/widget.js has put a conversation with the kernel, and the settings, on the frame's element. */
function cell() {
  const conversation = window.frameElement?.conversation;
  if (!conversation) return null;
  const afresh = "Run the cell again to begin anew.";
  return {
    transport: conversation, loading: "", lost: `The session is gone. ${afresh}`, afresh,
    settings: () => conversation.settings, hasAddress: false,
    keep: configuration => {
      conversation.settings = {...configuration, parameters: null};
      return true;
    },
    lessons: true, greets: false, saved: null,
  };
}

/** A file with a state that saved.js has recorded: replies, and what the page that saved it had on show. */
function saved() {
  const state = JSON.parse(document.getElementById("saved")?.textContent ?? "null");
  if (!state) return null;
  return {
    transport: new SavedTransport(state), loading: "", lost: "", afresh: "",
    settings: () => ({}), keep: () => true, hasAddress: false, lessons: false, greets: false, saved: state,
  };
}

/** A file beside the page, as text: where the page is one file, out of itself. Null where there is none. */
export async function beside(path) {
  const within = document.querySelector(`script[data-file="${CSS.escape(path)}"]`);
  if (within) return JSON.parse(within.textContent);
  const answer = host.hasAddress ? await fetch(path) : null;
  return answer?.ok ? answer.text() : null;
}
