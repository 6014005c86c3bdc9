/** What the parts of the page share: the session's last replies, the views, and a way to ask, to report, and to tell the lesson. */

import {Connection, Refusal} from "./connection.js";
import {at} from "./dom.js";
import {host} from "./host.js";
import {SAVED} from "./saved.js";

/**
 * The state of the page. `hello`, `configuration` and `shape` (the reply to configure) are the session's last replies, `moment` the fields that the
 * protocol calls MOMENT, `frame` the last drawn frame. The views are network, plane, curves, inspector, pad, settings, editor and lesson.
 */
export const app = {hello: null, configuration: null, shape: null, frame: null, moment: {step: 0, running: false}, lesson: null};

let lost = "";
const onLost = [], onAgain = [];

export const connection = new Connection(host.transport, {
  lost: why => {
    lost = why ? `${why[0].toUpperCase()}${why.slice(1).replace(/\.$/, "")}. ${host.again}`.trim() : host.lost;
    for (const each of onLost) each();
    say(lost);
  },
  again: () => onAgain.forEach(each => each()),
});

export const ask = message => connection.ask(message);

/** Call a function when the session has ended. */
export const whenLost = work => onLost.push(work);

/** Call a function when there is a new session after one that has ended. */
export const whenAgain = work => onAgain.push(work);

/** Show a message at the top of the page; "" removes it. */
export function say(words) {
  at("notice").textContent = connection.isLost ? lost : words || (host.saved ? SAVED : "");
  at("notice").hidden = !at("notice").textContent;
}

/** Call an asynchronous function. If the session refuses its message, show why and return null. */
export async function attempt(work) {
  try {
    say("");
    return await work();
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    say(error.message);
    return null;
  }
}

/** Tell the lesson about an event. */
export const happened = event => app.lesson?.happened(event);

const last = {};

/** Whether `what` was last done at least `every` milliseconds ago. Always true while the network is paused. */
export function isDue(what, every) {
  const now = performance.now();
  if (app.moment.running && now - (last[what] ?? 0) < every) return false;
  last[what] = now;
  return true;
}
