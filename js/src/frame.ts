// A small chart: axes, scales and layers that follow the width of their box.

import { axisBottom, axisLeft } from "d3-axis";
import { scaleLinear } from "d3-scale";
import { select } from "d3-selection";
import { h, onWidth, svg } from "./dom";
import { short } from "./format";

export const MARGIN = { top: 22, right: 12, bottom: 34, left: 46 };

export interface FrameOptions {
  labels: readonly [string, string];
  /** Height of the inner part over its width, and its bounds in pixels. */
  ratio: number | (() => number);
  tall?: readonly [number, number];
  xTicks?: readonly number[];
  yTicks?: readonly number[];
  /** The scales have changed: draw again. */
  draw: () => void;
}

export class Frame {
  readonly el: HTMLDivElement;
  readonly x = scaleLinear();
  readonly y = scaleLinear();
  readonly root = svg("svg", "plot", { "aria-hidden": "true" });
  readonly layer = svg("g");
  readonly stop: () => void;
  private readonly axes = svg("g", "axes");
  private drawn = "";
  private width = 0;
  private inner = 0;
  private tall = 0;

  constructor(private readonly options: FrameOptions) {
    this.root.append(this.axes, this.layer);
    this.el = h("div", "frame-box", {}, this.root);
    this.stop = onWidth(this.el, (width) => {
      const { ratio, tall = [120, 320] } = options;
      this.width = width;
      this.inner = width - MARGIN.left - MARGIN.right;
      const share = typeof ratio === "number" ? ratio : ratio();
      this.tall = Math.round(Math.min(tall[1], Math.max(tall[0], this.inner * share)));
      options.draw();
    });
  }

  get ready(): boolean {
    return this.width > 0;
  }

  get bottom(): number {
    return MARGIN.top + this.tall;
  }

  /** Set what the axes span. */
  span(x: readonly [number, number], y: readonly [number, number]): void {
    const key = [...x, ...y, this.width].join();
    if (key === this.drawn) return;
    this.drawn = key;
    const { top, right, bottom, left } = MARGIN;
    const { labels, xTicks, yTicks } = this.options;
    this.x.domain(x).range([left, left + this.inner]);
    this.y.domain(y).range([this.bottom, top]);
    this.root.setAttribute("width", String(this.width));
    this.root.setAttribute("height", String(this.bottom + bottom));
    const below = svg("g", "axis", { transform: `translate(0,${this.bottom})` });
    const beside = svg("g", "axis", { transform: `translate(${left},0)` });
    const xAxis = axisBottom(this.x).tickSize(4).tickFormat((v) => short(+v));
    const yAxis = axisLeft(this.y).tickSize(-this.inner).tickFormat((v) => short(+v, 3));
    select(below).call(xTicks ? xAxis.tickValues([...xTicks]) : xAxis.ticks(Math.min(8, this.inner / 56)));
    select(beside).call(yTicks ? yAxis.tickValues([...yTicks]) : yAxis.ticks(Math.min(6, this.tall / 34)));
    this.axes.replaceChildren(
      below,
      beside,
      svg("text", "name", { x: this.width - right, y: this.bottom + 31, "text-anchor": "end" }, labels[0]),
      svg("text", "name", { x: left - 6, y: top - 10, "text-anchor": "start" }, labels[1]),
    );
  }

  /** A path through points, in the chart's own units. */
  line(xs: ArrayLike<number>, ys: ArrayLike<number>): string {
    let path = "";
    for (let i = 0; i < ys.length; i++)
      path += `${i ? "L" : "M"}${this.x(xs[i]!).toFixed(1)},${this.y(ys[i]!).toFixed(1)}`;
    return path;
  }
}
