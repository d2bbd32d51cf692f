// The contour map with a point that can be dragged, tapped to, or moved by keys.

import { axisBottom, axisLeft } from "d3-axis";
import { drag } from "d3-drag";
import { scaleLinear } from "d3-scale";
import { pointer, select } from "d3-selection";
import { freshId, h, onWidth, svg } from "./dom";
import { fixed, short } from "./format";
import type { Point, Span } from "./scene";
import { contourMap, shade, type Grid } from "./surface";

const MARGIN = { top: 18, right: 10, bottom: 34, left: 38 };

export interface MapOptions {
  surface: Grid;
  levels: readonly number[];
  labels: readonly string[];
  minima: readonly Point[];
  /** What the point is, for those who do not see it. */
  handle?: string;
  /** No axes and no legend, for small maps. */
  plain?: boolean;
  move?: (point: Point) => void;
  /** The scales have changed: draw again. */
  draw?: () => void;
}

export class MapView {
  readonly el: HTMLDivElement;
  readonly x = scaleLinear();
  readonly y = scaleLinear();
  /** What is drawn here is clipped to the map. */
  readonly layer = svg("g");
  readonly handle: HTMLButtonElement | null = null;
  readonly stop: () => void;
  private readonly root = svg("svg", "plot", { "aria-hidden": "true" });
  private readonly axes = svg("g", "axes");
  private readonly marks = svg("g", "minima");
  private readonly clip = svg("rect");
  private readonly frame = svg("rect", "frame");
  private readonly ground: SVGSVGElement;
  private readonly margin: typeof MARGIN;
  private point: Point = [0, 0];
  private width = 0;

  constructor(private readonly options: MapOptions) {
    const [xs, ys] = options.surface.window;
    this.x.domain(xs);
    this.y.domain(ys);
    this.margin = options.plain ? { top: 2, right: 2, bottom: 22, left: 22 } : MARGIN;
    this.ground = contourMap(options.surface, options.levels);
    const id = freshId();
    this.layer.setAttribute("clip-path", `url(#${id})`);
    this.root.append(
      svg("defs", "", {}, svg("clipPath", "", { id }, this.clip)),
      this.ground,
      this.axes,
      this.frame,
      this.marks,
      this.layer,
    );
    this.el = h("div", options.plain ? "map plain" : "map", {}, this.root);
    if (options.handle) {
      this.handle = h("button", "handle", { type: "button", "aria-roledescription": "movable point" });
      this.el.append(this.handle);
      this.listen(this.handle);
    }
    if (!options.plain) this.el.append(legend(options.surface, options.levels));
    this.stop = onWidth(this.el, (width) => this.resize(width));
  }

  /** Show the point that the reader moves. */
  place(point: Point): void {
    this.point = point;
    if (!this.handle || !this.width) return;
    this.handle.style.transform = `translate(${this.x(point[0])}px,${this.y(point[1])}px)`;
    const [a, b] = this.options.labels;
    this.handle.setAttribute(
      "aria-label",
      `${this.options.handle}: ${a} = ${fixed(point[0])}, ${b} = ${fixed(point[1])}. Arrow keys move it, with Shift in small steps.`,
    );
  }

  /** The window's size in pixels. */
  get ready(): boolean {
    return this.width > 0;
  }

  private resize(width: number): void {
    const { top, right, bottom, left } = this.margin;
    const [xs, ys] = this.options.surface.window;
    const inner = width - left - right;
    const ratio = Math.min(1.25, Math.max(0.6, (ys[1] - ys[0]) / (xs[1] - xs[0])));
    const tall = Math.round(inner * ratio);
    this.width = width;
    this.x.range([left, left + inner]);
    this.y.range([top + tall, top]);
    this.root.setAttribute("width", String(width));
    this.root.setAttribute("height", String(top + tall + bottom));
    for (const element of [this.clip, this.frame, this.ground]) {
      element.setAttribute("x", String(left));
      element.setAttribute("y", String(top));
      element.setAttribute("width", String(inner));
      element.setAttribute("height", String(tall));
    }
    if (this.options.plain) this.nameSides(inner, tall);
    else this.drawAxes(inner, tall);
    this.drawMinima();
    this.place(this.point);
    this.options.draw?.();
  }

  private drawAxes(inner: number, tall: number): void {
    const { top, left } = this.margin;
    const [a, b] = this.options.labels;
    const below = svg("g", "axis", { transform: `translate(0,${top + tall})` });
    const beside = svg("g", "axis", { transform: `translate(${left},0)` });
    select(below).call(axisBottom(this.x).ticks(Math.min(7, inner / 48)).tickSize(4).tickFormat((v) => short(+v)));
    select(beside).call(axisLeft(this.y).ticks(Math.min(7, tall / 40)).tickSize(4).tickFormat((v) => short(+v)));
    this.axes.replaceChildren(
      below,
      beside,
      svg("text", "name", { x: left + inner, y: top + tall + 30, "text-anchor": "end" }, a),
      svg("text", "name", { x: left, y: top - 7, "text-anchor": "middle" }, b),
    );
  }

  private nameSides(inner: number, tall: number): void {
    const { top, left } = this.margin;
    const [a, b] = this.options.labels;
    const at = `translate(${left - 8},${top + tall / 2})rotate(-90)`;
    this.axes.replaceChildren(
      svg("text", "name", { x: left + inner / 2, y: top + tall + 16, "text-anchor": "middle" }, `${a} →`),
      svg("text", "name", { transform: at, "text-anchor": "middle" }, `${b} →`),
    );
  }

  private drawMinima(): void {
    const cross = "M-9,0H9M0,-9V9";
    this.marks.replaceChildren(
      ...this.options.minima.map(([x, y]) =>
        svg("path", "minimum", { d: cross, transform: `translate(${this.x(x)},${this.y(y)})` }),
      ),
    );
  }

  private listen(handle: HTMLButtonElement): void {
    const moveTo = (px: number, py: number) => this.move([this.x.invert(px), this.y.invert(py)]);
    const byHandle = drag<HTMLButtonElement, unknown>()
      .container(() => this.root)
      .subject(() => ({ x: this.x(this.point[0]), y: this.y(this.point[1]) }))
      .on("start", () => handle.focus({ preventScroll: true }))
      .on("drag", (event: { x: number; y: number }) => moveTo(event.x, event.y));
    select<HTMLButtonElement, unknown>(handle).call(byHandle);
    // With the mouse the map itself can be dragged; a finger scrolls the page, and a tap places.
    const byMap = drag<SVGSVGElement, unknown>()
      .container(() => this.root)
      .filter((event: Event) => !event.type.startsWith("touch") && !(event as MouseEvent).button)
      .on("start drag", (event: { x: number; y: number }) => moveTo(event.x, event.y))
      .on("end", () => handle.focus({ preventScroll: true }));
    select<SVGSVGElement, unknown>(this.root).call(byMap).style("touch-action", "manipulation");
    this.root.addEventListener("click", (event) => moveTo(...pointer(event, this.root)));
    handle.addEventListener("keydown", (event) => {
      const way = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] }[event.key];
      if (!way) return;
      event.preventDefault();
      event.stopPropagation();
      const share = event.shiftKey ? 1 / 600 : 1 / 60;
      const spans = this.options.surface.window.map(([low, high]) => high - low);
      this.move([this.point[0] + way[0]! * spans[0]! * share, this.point[1] + way[1]! * spans[1]! * share]);
    });
  }

  private move(point: Point): void {
    const clipped = point.map((value, d) => {
      const [low, high] = this.options.surface.window[d] as Span;
      const digits = Math.max(0, 3 - Math.floor(Math.log10(high - low)));
      return Number(Math.min(high, Math.max(low, value)).toFixed(digits));
    });
    this.point = clipped as Point; // the next key may come before the next frame
    this.options.move?.(this.point);
  }
}

/** The scale of heights under the map. */
function legend(surface: Grid, levels: readonly number[]): HTMLElement {
  const bands = [0, ...levels].map((_, i) => {
    const band = h("i", "swatch");
    band.style.background = shade(i / levels.length);
    return band;
  });
  const low = Math.abs(surface.low) < 1e-3 * surface.high ? "≈ 0" : short(surface.low, 2);
  return h(
    "div",
    "legend",
    {},
    h("span", "legend-name", {}, "loss"),
    h("span", "", {}, low),
    h("span", "bands", { "aria-hidden": "true" }, ...bands),
    h("span", "", {}, short(surface.high, 2)),
  );
}
