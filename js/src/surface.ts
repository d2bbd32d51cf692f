// A loss on a grid: its levels, its contours, and its picture in three dimensions.

import { contours } from "d3-contour";
import { ticks } from "d3-array";
import { svg } from "./dom";
import type { Levels, Span } from "./scene";

export interface Grid {
  n: number;
  window: [Span, Span];
  values: Float64Array;
  low: number;
  high: number;
}

/** The loss on n × n points; row 0 is the top of the map. */
export function grid(loss: (x: number, y: number) => number, window: [Span, Span], n: number): Grid {
  const [[x0, x1], [y0, y1]] = window;
  const values = new Float64Array(n * n);
  let low = Infinity;
  let high = -Infinity;
  for (let row = 0; row < n; row++) {
    const y = y1 - ((y1 - y0) * row) / (n - 1);
    for (let column = 0; column < n; column++) {
      const value = loss(x0 + ((x1 - x0) * column) / (n - 1), y);
      values[row * n + column] = value;
      if (value < low) low = value;
      if (value > high && Number.isFinite(value)) high = value;
    }
  }
  return { n, window, values, low, high };
}

/** Heights of the contours: equal steps, or, where the loss spans decades, steps that grow. */
export function heights({ values, low, high }: Grid, kind: Levels, count = 18): number[] {
  const sorted = Float64Array.from(values).sort();
  const near = sorted[Math.floor(sorted.length / 10)]! - low;
  const spread = high - low;
  if (!(spread > 0)) return [low];
  if (kind === "linear" || (kind === "auto" && spread <= 30 * near))
    return ticks(low, high, count).filter((level) => level > low && level < high);
  const scale = Math.max(near, spread * 1e-9);
  const most = Math.log1p(spread / scale);
  return Array.from({ length: count }, (_, i) => low + scale * Math.expm1((most * (i + 1)) / (count + 1)));
}

/** A colour between the low and the high end of the scale; it follows the page's theme. */
export const shade = (share: number): string =>
  `color-mix(in oklab, var(--lec-high) ${(100 * share).toFixed(1)}%, var(--lec-low))`;

/** The contour map as an SVG that stretches to its box. */
export function contourMap(surface: Grid, levels: readonly number[]): SVGSVGElement {
  const { n, values } = surface;
  const shapes = contours().size([n, n]).thresholds([...levels])(values as unknown as number[]);
  const bands = shapes.map((shape, i) => {
    const rings = shape.coordinates.flat().map((ring) => `M${ring.map(([x, y]) => `${round(x!)},${round(y!)}`).join("L")}Z`);
    const band = svg("path", "band", { d: rings.join("") });
    band.style.fill = shade((i + 1) / levels.length);
    return band;
  });
  const floor = svg("rect", "", { x: 0, y: 0, width: n, height: n });
  floor.style.fill = shade(0);
  return svg(
    "svg",
    "contours",
    { viewBox: `0.5 0.5 ${n - 1} ${n - 1}`, preserveAspectRatio: "none", "aria-hidden": "true" },
    floor,
    ...bands,
  );
}

const round = (x: number): number => Math.round(x * 100) / 100;

const LIGHT = [-0.45, 0.35, 0.82] as const;
const TURN = [Math.cos(Math.PI / 5), Math.sin(Math.PI / 5)] as const;

/** Where a point of the unit square, at a height from 0 to 1, lies in the picture. */
function seen(x: number, y: number, lift: number): [number, number] {
  const [c, s] = TURN;
  return [100 + 126 * (c * (x - 0.5) - s * (y - 0.5)), -52 * depth(x, y) - 70 * lift];
}

const depth = (x: number, y: number): number => TURN[1] * (x - 0.5) + TURN[0] * (y - 0.5);
const outline = (corners: readonly (readonly [number, number])[]): string =>
  `M${corners.map(([x, y]) => `${round(x)},${round(y)}`).join("L")}Z`;

/** A shaded picture of the surface, seen from the front and above, over the floor it stands on. */
export function solid(surface: Grid, levels: readonly number[], label: string, names: readonly string[]): SVGSVGElement {
  const { n, values, low, high } = surface;
  const lift = (row: number, column: number) => (values[row * n + column]! - low) / (high - low || 1);
  const side = (i: number) => i / (n - 1);
  const faces: { away: number; face: SVGElement }[] = [];
  for (let row = 0; row + 1 < n; row++)
    for (let column = 0; column + 1 < n; column++) {
      const ways = [[0, 0], [0, 1], [1, 1], [1, 0]] as const;
      const lifts = ways.map(([r, c]) => lift(row + r, column + c));
      const corners = ways.map(([r, c], i) => seen(side(column + c), 1 - side(row + r), lifts[i]!));
      const dx = ((lifts[1]! - lifts[0]!) * (n - 1)) / 2;
      const dy = ((lifts[0]! - lifts[3]!) * (n - 1)) / 2;
      const light = (-dx * LIGHT[0] - dy * LIGHT[1] + LIGHT[2]) / Math.hypot(dx, dy, 1);
      const value = low + (lifts.reduce((a, b) => a + b) / 4) * (high - low);
      const band = levels.filter((level) => level < value).length / Math.max(1, levels.length);
      const dark = Math.round(46 * (1 - Math.min(1, Math.max(0, light))));
      const face = svg("path", "", { d: outline(corners) });
      face.style.fill = face.style.stroke = `color-mix(in oklab, var(--lec-shadow) ${dark}%, ${shade(band)})`;
      faces.push({ away: depth(side(column + 0.5), 1 - side(row + 0.5)), face });
    }
  faces.sort((a, b) => b.away - a.away);
  const floor = svg("path", "floor", { d: outline([seen(0, 0, -0.18), seen(1, 0, -0.18), seen(1, 1, -0.18), seen(0, 1, -0.18)]) });
  const [ax, ay] = seen(0.5, -0.14, -0.18);
  const [bx, by] = seen(-0.14, 0.5, -0.18);
  return svg(
    "svg",
    "solid",
    { viewBox: "2 -112 196 172", role: "img", "aria-label": label },
    floor,
    ...faces.map((f) => f.face),
    svg("text", "edge", { x: ax, y: ay + 4, "text-anchor": "middle" }, `${names[0]} →`),
    svg("text", "edge", { x: bx, y: by + 4, "text-anchor": "middle" }, `${names[1]} ↗`),
  );
}
