// The vectors of one step: update, memory and gradient, magnified so that they can be seen.

import type { Arrow } from "./track";
import type { MapView } from "./map";
import type { Objective } from "./objective";
import { moment, type Run, type Runner } from "./run";

const SEEN = 46;

export interface Vectors {
  arrows: Arrow[];
  factor: number;
  legend: [string, string][];
}

/** 1, 2, 5, 10, 20, … : the smallest that is at least x. */
export function niceFactor(x: number): number {
  if (!(x > 1)) return 1;
  const power = 10 ** Math.floor(Math.log10(x));
  return [1, 2, 5, 10].map((n) => n * power).find((n) => n >= x)!;
}

/**
 * A rule whose memory is the last update (state `u`) steps by memory, then gradient:
 * theta' - theta = -gamma u - eta g. Other rules show the update and the way against the gradient.
 */
export function arrowsOf(
  runner: Runner,
  J: Objective,
  result: Run,
  k: number,
  settings: Readonly<Record<string, number>>,
  map: MapView,
): Vectors {
  const at = Math.min(k, result.steps);
  const { record, next, hyper } = moment(runner, J, result, at, settings);
  const theta = result.history.subarray(at * result.width, at * result.width + 2);
  const slot = runner.compiled.asked[0];
  const asked = slot ? record.subarray(slot.offset, slot.offset + 2) : theta;
  const g = J.slope(asked[0]!, asked[1]!);
  const update = [next[0]! - theta[0]!, next[1]! - theta[1]!];
  const [sx, sy] = [map.x(1) - map.x(0), map.y(1) - map.y(0)];
  const pixels = (v: readonly number[]): [number, number] => [v[0]! * sx, v[1]! * sy];
  const base: [number, number] = [map.x(theta[0]!), map.y(theta[1]!)];
  const eta = hyper[runner.settings.indexOf("eta")];
  const hasMemory = "state.u" in runner.fields && eta !== undefined;
  const pull = hasMemory ? g.map((x) => -eta * x) : [0, 0];
  const memory = hasMemory ? [update[0]! - pull[0]!, update[1]! - pull[1]!] : [0, 0];
  const parts = [update, memory, pull].map(pixels);
  const longest = Math.max(...parts.map(([x, y]) => Math.hypot(x, y)));
  const factor = niceFactor(longest > 0 ? SEEN / longest : 1);
  const [u, m, p] = parts.map(([x, y]) => [factor * x, factor * y] as const);
  const to = (from: readonly [number, number], v: readonly [number, number]) => [from[0] + v[0], from[1] + v[1]] as const;
  const step: Arrow = { from: base, to: to(base, u!), kind: "update" };
  if (runner.width === runner.dim) return { arrows: [step], factor, legend: [["update", "update −η∇L"]] };
  if (!hasMemory) {
    const [gx, gy] = pixels(g);
    const share = Math.hypot(u![0], u![1]) / (Math.hypot(gx, gy) || 1);
    const down: Arrow = { from: base, to: to(base, [-gx * share, -gy * share]), kind: "gradient" };
    return { arrows: [down, step], factor, legend: [["gradient", "against the gradient (direction)"], ["update", "update"]] };
  }
  const tip = to(base, m!);
  const ahead = Math.hypot(asked[0]! - theta[0]!, asked[1]! - theta[1]!) > 0;
  return {
    arrows: [
      { from: base, to: tip, kind: "memory" },
      { from: tip, to: to(tip, p!), kind: "gradient" },
      step,
    ],
    factor,
    legend: [
      ["memory", "memory −γu"],
      ["gradient", ahead ? "−η∇L, taken at the look-ahead" : "−η∇L, taken here"],
      ["update", "their sum, the update"],
    ],
  };
}
