/** The few things every part of the page needs: elements, numbers as text, and colours. */

export const at = id => document.getElementById(id);

/** A new element. Attributes that start with "on" are listeners, `text` is its text, and what is null or false is left out. */
export function make(name, attributes = {}, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (key === "text") element.textContent = value;
    else if (key.startsWith("on")) element.addEventListener(key.slice(2), value);
    else element.setAttribute(key, value === true ? "" : value);
  }
  element.append(...children.filter(child => child !== null && child !== undefined));
  return element;
}

/** A number with so many digits, a real minus sign, and no noughts to no end. */
export function number(value, digits = 4) {
  if (value === null || value === undefined || Number.isNaN(value)) return "–";
  if (!Number.isFinite(value)) return value > 0 ? "∞" : "−∞";
  const size = Math.abs(value);
  const text = size !== 0 && (size < 1e-3 || size >= 1e7) ? value.toExponential(digits - 1).replace(/\.?0+e/, "e").replace("e+", "e") : String(Number(value.toPrecision(digits)));
  return text.replaceAll("-", "−");
}

export const signed = (value, digits = 4) => (value >= 0 ? "+" : "") + number(value, digits);
export const percent = value => value === null || Number.isNaN(value) ? "–" : `${(100 * value).toFixed(1)} %`;

/** A number to read, with all of its digits in `value` and on hovering. */
export function figure(value, digits = 5, className = "") {
  const sign = value < 0 ? "negative" : value > 0 ? "positive" : "";
  return make("data", {value: value === null ? "" : String(value), title: value === null ? null : String(value), class: `figure ${sign} ${className}`.trim(), text: number(value, digits)});
}

/** The page's colours at this moment, from the style sheet: they differ by day and by night. */
export function palette() {
  const style = getComputedStyle(document.documentElement), read = name => style.getPropertyValue(name).trim();
  const names = ["paper", "panel", "ink", "faint", "line", "edge", "now", "path", "positive", "negative", "zero"];
  return {
    ...Object.fromEntries(names.map(name => [name, read(`--${name}`)])),
    classes: Array.from({length: 8}, (_, index) => read(`--class-${index}`)),
  };
}

export function rgb(color) {
  const value = parseInt(color.slice(1), 16);
  return [value >> 16, (value >> 8) & 255, value & 255];
}

/** 256 colours from negative over zero to positive, each a pixel of ImageData. */
export function ramp(colors, strength = 0.85) {
  const [low, zero, high] = [colors.negative, colors.zero, colors.positive].map(rgb);
  const pixels = new Uint32Array(256), bytes = new Uint8ClampedArray(pixels.buffer);
  for (let index = 0; index < 256; index++) {
    const share = index / 127.5 - 1, end = share < 0 ? low : high;
    const mix = strength * Math.abs(share) ** 0.8;
    for (let channel = 0; channel < 3; channel++) bytes[4 * index + channel] = zero[channel] + mix * (end[channel] - zero[channel]);
    bytes[4 * index + 3] = 255;
  }
  return pixels;
}

/** Paint numbers, (height, width), row by row from the top, where `limit` and more is the full colour. */
export function paintMap(canvas, values, width, height, limit, colors256) {
  if (canvas.width !== width || canvas.height !== height) [canvas.width, canvas.height] = [width, height];
  const context = canvas.getContext("2d"), image = context.createImageData(width, height);
  const pixels = new Uint32Array(image.data.buffer), scale = 127.5 / (limit || 1);
  for (let index = 0; index < pixels.length; index++) pixels[index] = colors256[Math.max(0, Math.min(255, Math.round(127.5 + scale * values[index])))];
  context.putImageData(image, 0, 0);
}

/** A canvas as sharp as the screen; gives its context in CSS pixels, cleared, and its size. */
export function sharp(canvas) {
  const {clientWidth: width, clientHeight: height} = canvas, ratio = devicePixelRatio || 1;
  const [w, h] = [Math.round(width * ratio), Math.round(height * ratio)];
  if (canvas.width !== w || canvas.height !== h) [canvas.width, canvas.height] = [w, h];
  const context = canvas.getContext("2d");
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  context.clearRect(0, 0, width, height);
  return {context, width, height};
}

export const largest = values => {
  let most = 0;
  for (const value of values) if (Math.abs(value) > most) most = Math.abs(value);
  return most;
};

export const calm = () => matchMedia("(prefers-reduced-motion: reduce)").matches;
