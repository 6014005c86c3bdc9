/** The few things every part of the page needs: elements, and numbers and names as text. */

export {figure, make, number} from "./figures.js";

export const at = id => document.getElementById(id);

export const percent = value => value === null || Number.isNaN(value) ? "–" : `${(100 * value).toFixed(1)} %`;

/** A name such as x1^2 or x1*x2 as a book would print it. */
export const pretty = name => name.replace(/\^2/g, "²").replace(/x1/g, "x₁").replace(/x2/g, "x₂").replace(/([₁₂])\*x/g, "$1·x").replace(/4\*/g, "4");

/** Does the reader want nothing to move? */
export const calm = () => matchMedia("(prefers-reduced-motion: reduce)").matches;
