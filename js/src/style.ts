// How the rules are told apart: colour (those of lecopt.plots), dash pattern and marker, by their place.

import { svg } from "./dom";

const DASHES = ["", "9 4", "2.5 3.5", "10 3 2 3", "5 3", "14 4"];
/** Circle, square, triangle, diamond, cross, hexagon; each about 10 wide. */
const MARKERS = [
  "M5,0A5,5,0,1,1,-5,0A5,5,0,1,1,5,0Z",
  "M-4.6,-4.6H4.6V4.6H-4.6Z",
  "M0,-6.4L5.8,3.8H-5.8Z",
  "M0,-7.4L4.7,0L0,7.4L-4.7,0Z",
  "M-1.9,-5.6H1.9V-1.9H5.6V1.9H1.9V5.6H-1.9V1.9H-5.6V-1.9H-1.9Z",
  "M-5.6,0L-2.8,-4.9H2.8L5.6,0L2.8,4.9H-2.8Z",
];

export const colour = (i: number): string => `var(--lec-c${i % 6})`;
export const dash = (i: number): string => DASHES[i % 6]!;
export const marker = (i: number): string => MARKERS[i % 6]!;

/** A sample of a rule's line, for lists. */
export function sample(i: number): SVGSVGElement {
  const line = svg("path", "sample-line", { d: "M1,7H31", "stroke-dasharray": dash(i) });
  const mark = svg("path", "sample-mark", { d: marker(i), transform: "translate(16,7)scale(0.85)" });
  line.style.stroke = mark.style.fill = colour(i);
  return svg("svg", "sample", { width: 32, height: 14, "aria-hidden": "true" }, line, mark);
}
