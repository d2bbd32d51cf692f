// The loss against the step, with a cursor at the step shown.

import { axisBottom, axisLeft } from "d3-axis";
import { drag } from "d3-drag";
import { scaleLinear, scaleLog, type ScaleLinear, type ScaleLogarithmic } from "d3-scale";
import { select } from "d3-selection";
import { freshId, h, onWidth, svg } from "./dom";
import { short } from "./format";
import type { Run } from "./run";
import { colour, dash, marker } from "./style";

const MARGIN = { top: 20, right: 14, bottom: 32, left: 52 };
const TALL = 190;

/** One curve: a rule's run and its place among the rules. */
export interface Curve {
  index: number;
  run: Run;
}

export class LossView {
  readonly el: HTMLDivElement;
  readonly stop: () => void;
  private readonly root = svg("svg", "plot loss-plot", { height: TALL, "aria-hidden": "true" });
  private readonly axes = svg("g", "axes");
  private readonly lines = svg("g");
  private readonly cursor = svg("path", "cursor");
  private readonly marks = svg("g");
  private readonly clip = svg("rect", "", { x: 0, y: 0, height: TALL - MARGIN.bottom + 1 });
  private readonly x = scaleLinear();
  private y: ScaleLinear<number, number> | ScaleLogarithmic<number, number> = scaleLog();
  private width = 0;
  private floor = 0;
  private curves: Curve[] = [];
  private steps = 1;
  private step = 0;
  private axesDrawn = "";

  constructor(
    private readonly target: number,
    scrub: (step: number) => void,
  ) {
    const id = freshId();
    this.lines.setAttribute("clip-path", `url(#${id})`);
    const clip = svg("clipPath", "", { id }, this.clip);
    this.root.append(svg("defs", "", {}, clip), this.axes, this.lines, this.cursor, this.marks);
    this.el = h("div", "loss", {}, this.root);
    const moves = drag<SVGSVGElement, unknown>()
      .container(() => this.root)
      .filter((event: MouseEvent) => !event.button)
      .touchable(true)
      .on("start drag", (event: { x: number }) => {
        scrub(Math.min(this.steps, Math.max(0, Math.round(this.x.invert(event.x)))));
      });
    select<SVGSVGElement, unknown>(this.root).call(moves).style("touch-action", "pan-y");
    this.stop = onWidth(this.el, (width) => {
      this.width = width;
      this.axesDrawn = "";
      this.draw();
    });
  }

  set(curves: Curve[], steps: number, step: number): void {
    this.curves = curves;
    this.steps = Math.max(1, steps);
    this.step = step;
    this.draw();
  }

  setStep(step: number): void {
    this.step = step;
    if (this.width) this.drawCursor();
  }

  private draw(): void {
    if (!this.width) return;
    this.setScales();
    this.drawAxes();
    this.lines.replaceChildren(
      ...this.curves.map(({ index, run }) => {
        const line = svg("path", "loss-line", { d: this.line(run), "stroke-dasharray": dash(index) });
        line.style.stroke = colour(index);
        return line;
      }),
    );
    this.drawCursor();
  }

  private setScales(): void {
    let [low, high] = [Infinity, -Infinity];
    for (const { run } of this.curves)
      for (let k = 0; k <= run.steps; k++) {
        const value = run.loss[k]!;
        if (value < low) low = value;
        if (value > high) high = value;
      }
    if (!(high > -Infinity)) [low, high] = [this.target, 1];
    const range = [TALL - MARGIN.bottom, MARGIN.top];
    if (low < 0) {
      this.floor = low;
      this.y = scaleLinear([low, high], range).nice();
    } else {
      const least = 10 ** Math.floor(Math.log10(this.target) - 3);
      this.floor = Math.max(low, least);
      const bottom = 10 ** Math.floor(Math.log10(Math.min(this.floor, this.target / 2)));
      const top = 10 ** Math.ceil(Math.log10(Math.max(high, this.target * 10)) + 0.01);
      this.y = scaleLog([bottom, top], range);
    }
    this.x.domain([0, this.steps]).range([MARGIN.left, this.width - MARGIN.right]);
  }

  private drawAxes(): void {
    const key = [this.width, this.steps, ...this.y.domain()].join();
    if (key === this.axesDrawn) return;
    this.axesDrawn = key;
    const { left, right, bottom, top } = MARGIN;
    const below = svg("g", "axis", { transform: `translate(0,${TALL - bottom})` });
    const beside = svg("g", "axis", { transform: `translate(${left},0)` });
    select(below).call(axisBottom(this.x).ticks(this.width / 70).tickSize(4).tickFormat((v) => short(+v)));
    const [least, most] = this.y.domain() as [number, number];
    const decades = Math.round(Math.log10(most / least));
    const every = Math.ceil(decades / 5);
    const ticks = least > 0
      ? Array.from({ length: decades + 1 }, (_, i) => least * 10 ** i).filter((_, i) => (decades - i) % every === 0)
      : this.y.ticks(5);
    const grid = axisLeft(this.y).tickValues(ticks).tickSize(-(this.width - left - right));
    select(beside).call(grid.tickFormat((v) => short(+v, 3)));
    const y = this.y(this.target);
    this.root.setAttribute("width", String(this.width));
    this.clip.setAttribute("width", String(this.width));
    this.axes.replaceChildren(
      below,
      beside,
      svg("text", "name", { x: this.width - right, y: TALL - 4, "text-anchor": "end" }, "step"),
      svg("text", "name", { x: left - 6, y: top - 8, "text-anchor": "end" }, "loss"),
    );
    if (least > 0)
      this.axes.append(svg("path", "target", { d: `M${left},${y}H${this.width - right}` }));
  }

  private line(run: Run): string {
    const stride = Math.max(1, Math.floor(run.steps / (2 * this.width)));
    let path = "";
    for (let k = 0; k <= run.steps; k += stride) path += `${k ? "L" : "M"}${this.x(k).toFixed(1)},${this.at(run, k, 1e-3).toFixed(1)}`;
    return path;
  }

  /** Height of a loss; one that is too small for the chart stays at its floor, or goes below. */
  private at(run: Run, k: number, below = 1): number {
    const least = this.floor > 0 ? this.floor * below : this.floor;
    return this.y(Math.max(least, run.loss[k]!));
  }

  private drawCursor(): void {
    const x = this.x(Math.min(this.step, this.steps));
    this.cursor.setAttribute("d", `M${x.toFixed(1)},${MARGIN.top}V${TALL - MARGIN.bottom}`);
    this.marks.replaceChildren(
      ...this.curves.map(({ index, run }) => {
        const k = Math.min(this.step, run.steps);
        const mark = svg("path", "mark", { d: marker(index), transform: `translate(${this.x(k)},${this.at(run, k)})scale(0.85)` });
        mark.style.fill = colour(index);
        return mark;
      }),
    );
  }
}
