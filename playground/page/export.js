/** Files to download: weights, script, picture, and this page with the current state; and a saved page, when it is opened. */

import {app, ask, attempt, connection, say} from "./app.js";
import {Run} from "./curves.js";
import {at} from "./dom.js";
import {listRuns} from "./runs.js";
import {record, SAVED} from "./saved.js";
import {choose} from "./selection.js";
import {copy, download, linkTo, savePicture} from "./share.js";
import {run} from "./training.js";

async function saveAs(what) {
  const reply = await attempt(() => ask({do: "save", what}));
  if (reply) download(reply.name, reply.type, reply.content);
}

async function showSource() {
  const reply = await attempt(() => ask({do: "source"}));
  if (!reply) return;
  at("source-text").textContent = reply.text;
  at("source").showModal();
}

/** Download this page with the current state in it, as one file that needs nothing else. */
async function savePage() {
  if (app.moment.running) await run(false);
  const {hello, configuration, shape, curves, network, inspector: {target, example}} = app, dialog = at("saving");
  const view = {runs: curves.runs.map(each => ({...each})), target, shows: network.shows, curves: {what: curves.what, log: curves.log}};
  at("saving-share").value = 0;
  dialog.showModal();
  const told = share => {
    at("saving-share").value = share;
    return dialog.open;
  };
  const hear = message => connection.hear(message), configured = {...shape, configuration};
  const content = await attempt(() => record({hear, hello, configured, example, view, told})).finally(() => dialog.close());
  if (content) download(`nudge-${configuration.data.name}.html`, "text/html", content);
}

/** Show a saved state as it was when it was saved, with everything switched off that would change it. */
export function showSaved({runs, target, shows, curves: {what, log}}) {
  const {curves, network} = app;
  document.documentElement.dataset.saved = "true";
  for (const id of ["restart", "play", "by-example", "by-step", "by-epoch", "speed", "save-weights", "save-script", "script-for", "save-page"]) Object.assign(at(id), {disabled: true, title: SAVED});
  for (const part of [at("columns"), at("pad-box"), ...document.querySelectorAll("#form details:not(:last-child)")]) part.inert = true;
  at("lesson-open").hidden = true;
  document.querySelector(`[name=shows][value=${shows}]`).checked = true;
  network.show(shows);
  document.querySelector(`[name=curves][value=${what}]`).checked = true;
  at("log").checked = log;
  curves.runs = runs.map(each => Object.assign(new Run(), each));
  curves.show({what, log});
  listRuns();
  if (target) choose(target);
  say("");
}

/** Connect the buttons that share and save. */
export function listenForExports() {
  at("copy-link").addEventListener("click", async event => {
    const {link, problem} = linkTo(app.configuration, app.hello.defaults, app.frame?.parameters ?? []);
    if (link) await copy(link, event.currentTarget);
    say(problem);
  });
  at("show-source").addEventListener("click", showSource);
  at("copy-source").addEventListener("click", event => copy(at("source-text").textContent, event.currentTarget));
  at("close-source").addEventListener("click", () => at("source").close());
  at("save-weights").addEventListener("click", () => saveAs("weights"));
  at("save-script").addEventListener("click", () => saveAs(at("script-for").value));
  at("save-picture").addEventListener("click", () => savePicture(app.network, app.shape.plane && at("plane")));
  at("save-page").addEventListener("click", savePage);
  at("stop-saving").addEventListener("click", () => at("saving").close());
}
