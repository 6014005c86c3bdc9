/** Colours, heat maps, sharp canvases, and a marker for each class. */

/** The current colours of the style sheet, which depend on light or dark mode. */
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

const images = new WeakMap();  // of canvases that are painted often

/** Paint numbers, (height, width), row by row from the top; `limit` and larger numbers get the full colour. */
export function paintMap(canvas, values, width, height, limit, colors256) {
  if (canvas.width !== width || canvas.height !== height) [canvas.width, canvas.height] = [width, height];
  const context = canvas.getContext("2d");
  let image = images.get(canvas);
  if (image?.width !== width || image.height !== height) images.set(canvas, image = context.createImageData(width, height));
  const pixels = new Uint32Array(image.data.buffer), scale = 127.5 / (limit || 1);
  for (let index = 0; index < pixels.length; index++) pixels[index] = colors256[Math.max(0, Math.min(255, Math.round(127.5 + scale * values[index])))];
  context.putImageData(image, 0, 0);
}

/** Make a canvas as sharp as the screen and clear it. Returns its context, in CSS pixels, and its size. */
export function sharp(canvas) {
  const {clientWidth: width, clientHeight: height} = canvas, ratio = devicePixelRatio || 1;
  const [w, h] = [Math.round(width * ratio), Math.round(height * ratio)];
  if (canvas.width !== w || canvas.height !== h) [canvas.width, canvas.height] = [w, h];
  const context = canvas.getContext("2d");
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  context.clearRect(0, 0, width, height);
  return {context, width, height};
}

export {largest} from "./numbers.js";

/** Begin the curve of a weight between two neurons. Its handles are half-way. */
export function traceCurve(context, [x0, y0, x1, y1]) {
  const middle = (x0 + x1) / 2;
  context.beginPath();
  context.moveTo(x0, y0);
  context.bezierCurveTo(middle, y0, middle, y1, x1, y1);
}

/** A shape for each class, so that classes can be told apart without colours. */
export function marker(context, shape, x, y, r) {
  context.beginPath();
  if (shape % 4 === 0) context.arc(x, y, r, 0, 2 * Math.PI);
  else if (shape % 4 === 1) context.rect(x - r * 0.88, y - r * 0.88, 1.76 * r, 1.76 * r);
  else {
    const corners = shape % 4 === 2 ? [[0, -1.3], [1.3, 0], [0, 1.3], [-1.3, 0]] : [[0, -1.25], [1.2, 0.9], [-1.2, 0.9]];
    corners.forEach(([dx, dy], index) => index ? context.lineTo(x + r * dx, y + r * dy) : context.moveTo(x + r * dx, y + r * dy));
    context.closePath();
  }
}

/** Draw one marker on a small canvas. */
export function drawMarker(canvas, label, colors) {
  const context = canvas.getContext("2d");
  context.clearRect(0, 0, canvas.width, canvas.height);
  marker(context, label, canvas.width / 2, canvas.height / 2, canvas.width * 0.32);
  context.fillStyle = colors.classes[label % 8];
  context.fill();
}
