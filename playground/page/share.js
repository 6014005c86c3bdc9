/** Settings in the address, files and pictures to download, and text to copy. */

import {make} from "./dom.js";
import {palette} from "./paint.js";

const LONGEST = 100_000;  // characters; longer addresses fail in some browsers and mail programs

/** Put the settings that differ from the defaults into the address. Returns false if they are too long, such as many points. */
export function keepInAddress(configuration, defaults) {
  const other = Object.fromEntries(Object.entries(configuration).filter(([key, value]) => key !== "parameters" && JSON.stringify(value) !== JSON.stringify(defaults[key])));
  const settings = Object.keys(other).length ? `#${encodeURIComponent(JSON.stringify(other))}` : "", fits = settings.length < LONGEST;
  history.replaceState(null, "", `${location.pathname}${location.search}${fits ? settings : ""}`);
  return fits;
}

/** The settings in the address, or null if they are damaged. */
export function fromAddress() {
  try {
    return JSON.parse(decodeURIComponent(location.hash.slice(1)) || "{}");
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
