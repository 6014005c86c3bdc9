/** Settings in the address, files and pictures to download, and text to copy. */

import {make} from "./dom.js";
import {palette} from "./paint.js";

const LONGEST = 100_000;  // characters; longer addresses fail in some browsers and mail programs

/** Put the settings that differ from the defaults into the address, unless they are too long, such as many points. */
export function keepInAddress(configuration, defaults) {
  const settings = asHash(differing(configuration, defaults));
  history.replaceState(null, "", `${location.pathname}${location.search}${settings.length < LONGEST ? settings : ""}`);
}

/**
 * A link to the settings and the weights, for a static site: this page's, or the one that the server was started with. `link` is null if the settings are
 * too long. `problem` says what is wrong with the link, "" if nothing is.
 */
export function linkTo(configuration, defaults, parameters) {
  const site = document.querySelector("meta[name=site]")?.content, isLocal = !site && /^(127\.|localhost$|\[::1\])/.test(location.hostname);
  const settings = differing(configuration, defaults), whole = asHash({...settings, weights: toBase64(parameters)});
  const hash = [whole, asHash(settings)].find(each => each.length < LONGEST);
  if (hash === undefined) return {link: null, problem: "There is no link, because the data are too long for one. Save the page instead."};
  const problems = [
    isLocal ? "The link opens on this computer only, and contains the secret of this server: do not share it. For links that others can open, start the playground with --site and the address of a static site of it." : "",
    hash === whole ? "" : "The link has the settings without the weights: with them it would be too long.",
  ];
  return {link: (site ?? location.origin + location.pathname) + hash, problem: problems.filter(Boolean).join(" ")};
}

const differing = (configuration, defaults) => Object.fromEntries(Object.entries(configuration).filter(([key, value]) => key !== "parameters" && JSON.stringify(value) !== JSON.stringify(defaults[key])));

const asHash = settings => Object.keys(settings).length ? `#${encodeURIComponent(JSON.stringify(settings))}` : "";

const toBase64 = numbers => btoa(Array.from(new Uint8Array(Float64Array.from(numbers).buffer), each => String.fromCharCode(each)).join(""));

/** The settings in the address, or null if they are damaged. */
export function fromAddress() {
  try {
    const {weights, ...settings} = JSON.parse(decodeURIComponent(location.hash.slice(1)) || "{}");
    return weights ? {...settings, parameters: [...new Float64Array(Uint8Array.from(atob(weights), each => each.charCodeAt(0)).buffer)]} : settings;
  } catch {
    return null;
  }
}

export function download(name, type, content) {
  const address = URL.createObjectURL(new Blob([content], {type}));
  make("a", {href: address, download: name}).click();
  setTimeout(() => URL.revokeObjectURL(address), 10000);
}

/** Copy a text, and confirm it on the button. */
export async function copy(text, button) {
  const label = button.textContent;
  await navigator.clipboard.writeText(text);
  button.textContent = "Copied";
  setTimeout(() => { button.textContent = label; }, 1500);
}

/** Download the network and the plane, if there is one, as a picture. */
export function savePicture(network, plane) {
  const width = 1400, canvas = make("canvas"), context = canvas.getContext("2d"), {lines, columns} = network;
  const scale = 880 / lines.clientWidth, height = Math.max(480, lines.clientHeight * scale + 40);
  Object.assign(canvas, {width, height});
  context.fillStyle = palette().paper;
  context.fillRect(0, 0, width, height);
  context.drawImage(lines, 20, 20, 880, lines.clientHeight * scale);
  for (const {map, x, y, side} of columns.flat()) context.drawImage(map, 20 + (x - side / 2) * scale, 20 + (y - side / 2) * scale, side * scale, side * scale);
  if (plane) context.drawImage(plane, 940, 20, 440, 440);
  canvas.toBlob(blob => download("nudge.png", "image/png", blob));
}
