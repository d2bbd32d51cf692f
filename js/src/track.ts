// One rule's path on the map: all of it faintly, the part walked so far boldly.

import { svg } from "./dom";
import type { MapView } from "./map";
import type { Run } from "./run";
import { colour, dash, marker } from "./style";

const FAR = 1e5;
const ARROW = "M0,0L-7,-3.2L-5.2,0L-7,3.2Z";

export class Track {
  readonly el = svg("g", "track");
  private readonly whole = svg("path", "whole");
  private readonly halo = svg("path", "halo");
  private readonly line = svg("path", "line");
  private readonly dots = svg("path", "dots");
  private readonly lost = svg("path", "lost", { d: "M-6,-6L6,6M-6,6L6,-6" });
  private readonly mark: SVGPathElement;
  private xs = new Float64Array(0);
  private ys = new Float64Array(0);

  constructor(index: number) {
    this.mark = svg("path", "mark", { d: marker(index) });
    this.line.setAttribute("stroke-dasharray", dash(index));
    this.el.style.setProperty("--lec-own", colour(index));
    this.el.append(this.whole, this.halo, this.line, this.dots, this.lost, this.mark);
  }

  /** Place the points of a run on the map; a run that diverged leads out of it. */
  setRun(run: Run, map: MapView): void {
    const count = run.steps + (run.divergedAt > 0 ? 2 : 1);
    if (this.xs.length < count) {
      this.xs = new Float64Array(count);
      this.ys = new Float64Array(count);
    }
    const clip = (v: number) => (Number.isFinite(v) ? Math.max(-FAR, Math.min(FAR, v)) : FAR);
    for (let k = 0; k < count; k++) {
      this.xs[k] = clip(map.x(run.history[k * run.width]!));
      this.ys[k] = clip(map.y(run.history[k * run.width + 1]!));
    }
    this.whole.setAttribute("d", this.walk(count - 1));
    const exit = run.divergedAt > 0 ? this.exit(map, count) : null;
    this.lost.setAttribute("visibility", exit ? "visible" : "hidden");
    if (exit) this.lost.setAttribute("transform", `translate(${exit[0]},${exit[1]})`);
  }

  /** Show the path up to step k. */
  setStep(run: Run, k: number): void {
    const last = Math.min(k, run.steps);
    const gone = k > run.steps && run.divergedAt > 0;
    const walked = this.walk(gone ? last + 1 : last);
    this.halo.setAttribute("d", walked);
    this.line.setAttribute("d", walked);
    this.dots.setAttribute("d", this.apart(last));
    this.mark.setAttribute("transform", `translate(${this.xs[last]},${this.ys[last]})`);
  }

  /** A path through the points up to `last`, leaving out moves too small to see. */
  private walk(last: number): string {
    const { xs, ys } = this;
    let path = `M${xs[0]!.toFixed(1)},${ys[0]!.toFixed(1)}`;
    let [px, py] = [xs[0]!, ys[0]!];
    for (let k = 1; k <= last; k++) {
      const [x, y] = [xs[k]!, ys[k]!];
      if (k < last && Math.abs(x - px) + Math.abs(y - py) < 0.6) continue;
      path += `L${x.toFixed(1)},${y.toFixed(1)}`;
      px = x;
      py = y;
    }
    return path;
  }

  /** Dots at the steps that stand apart, so that the eye can tell long steps from short ones. */
  private apart(last: number): string {
    const { xs, ys } = this;
    let path = "";
    let before = true;
    for (let k = 0; k <= last; k++) {
      const after = k === last || Math.hypot(xs[k + 1]! - xs[k]!, ys[k + 1]! - ys[k]!) > 6;
      if (before && after) path += `M${xs[k]!.toFixed(1)},${ys[k]!.toFixed(1)}h0`;
      before = after;
    }
    return path;
  }

  /** Where the path first leaves the map. */
  private exit(map: MapView, count: number): [number, number] | null {
    const [x0, x1] = map.x.range() as [number, number];
    const [y1, y0] = map.y.range() as [number, number];
    for (let k = 1; k < count; k++) {
      const [x, y] = [this.xs[k]!, this.ys[k]!];
      if (x >= x0 && x <= x1 && y >= y0 && y <= y1) continue;
      const [px, py] = [this.xs[k - 1]!, this.ys[k - 1]!];
      const reach = (from: number, to: number, low: number, high: number) =>
        to > high ? (high - from) / (to - from) : to < low ? (low - from) / (to - from) : 1;
      const share = Math.min(reach(px, x, x0 + 8, x1 - 8), reach(py, y, y0 + 8, y1 - 8));
      return [px + Math.max(0, share) * (x - px), py + Math.max(0, share) * (y - py)];
    }
    return null;
  }
}

export interface Arrow {
  from: readonly [number, number];
  to: readonly [number, number];
  kind: string;
}

/** Arrows, in pixels; those too short to see are left out. */
export function drawArrows(layer: SVGGElement, arrows: readonly Arrow[]): void {
  layer.replaceChildren(
    ...arrows
      .filter(({ from, to }) => Math.hypot(to[0] - from[0], to[1] - from[1]) > 3)
      .map(({ from, to, kind }) => {
        const angle = (Math.atan2(to[1] - from[1], to[0] - from[0]) * 180) / Math.PI;
        const line = `M${from[0].toFixed(1)},${from[1].toFixed(1)}L${to[0].toFixed(1)},${to[1].toFixed(1)}`;
        const head = `translate(${to[0].toFixed(1)},${to[1].toFixed(1)})rotate(${angle.toFixed(1)})`;
        return svg(
          "g",
          `arrow arrow-${kind}`,
          {},
          svg("path", "arrow-halo", { d: line }),
          svg("path", "arrow-line", { d: line }),
          svg("path", "arrow-head", { d: ARROW, transform: head }),
        );
      }),
  );
}
