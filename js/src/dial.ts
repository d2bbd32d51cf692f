// Scene "dial": turn a step u about a point; predicted and real change of the loss.

import { drag } from "d3-drag";
import { select } from "d3-selection";
import { button, h, svg } from "./dom";
import { number } from "./format";
import { Frame, MARGIN } from "./frame";
import { MapView } from "./map";
import { Objective } from "./objective";
import type { DialScene, Point } from "./scene";
import { slider } from "./slider";
import { inFrame, whenSettled, type Store } from "./store";
import { grid, heights } from "./surface";
import { drawArrows } from "./track";

const N = 181;
const REACH = 52;
const degrees = Float64Array.from({ length: N }, (_, i) => (360 * i) / (N - 1));
const radians = (angle: number): number => (angle * Math.PI) / 180;
const whole = (angle: number): number => ((Math.round(angle) % 360) + 360) % 360;

export function dial(el: HTMLElement, scene: DialScene, store: Store): () => void {
  const { objective } = scene;
  const J = new Objective(objective);
  const surface = grid((x, y) => J.at(x, y), objective.window, 121);
  const at = () => store.get("start") as Point;
  const settings = () => store.get("hyper")[""] as { eta: number; angle: number };

  const ring = svg("circle", "ring");
  const spoke = svg("path", "spoke");
  const arrows = svg("g");
  const map = new MapView({
    surface,
    levels: heights(surface, scene.levels),
    labels: objective.labels,
    minima: [],
    handle: "Point",
    move: (p) => store.put("start", p),
    draw: () => frame.ask(),
  });
  map.layer.append(ring, spoke, arrows);
  const knob = h("button", "handle knob", { type: "button", "aria-roledescription": "dial" });
  map.el.append(knob);
  const chart = new Frame({ labels: ["angle to the gradient, degrees", "change of L"], ratio: 0.72, tall: [170, 330], xTicks: [0, 90, 180, 270, 360], draw: () => frame.ask() });
  const opposite = svg("path", "opposite");
  const note = svg("text", "chart-note", { "text-anchor": "middle" }, "180°");
  const predictedLine = svg("path", "model-line predicted");
  const realLine = svg("path", "model-line real");
  const cursor = svg("path", "cursor");
  const predictedDot = svg("circle", "dot predicted", { r: 5 });
  const realDot = svg("circle", "dot real", { r: 5 });
  chart.layer.append(opposite, note, predictedLine, realLine, cursor, predictedDot, realDot);
  chart.root.classList.add("lecopt-loss-plot");
  const sliders = scene.sliders.map((part) =>
    slider(part, "", (value) => store.putHyper("", part.name, part.name === "angle" ? whole(value) : value)),
  );
  const readings = ["predicted", "real"].map(() => h("output", "reading"));
  const verdict = h("p", "verdict", { "aria-live": "polite" });
  const turn = (angle: number) => store.putHyper("", "angle", whole(angle));

  /** Predicted and real change for a step at an angle from the gradient. */
  function changes(angle: number): { u: Point; predicted: number; real: number } {
    const [x, y] = at();
    const [gx, gy] = J.slope(x, y);
    const phi = Math.atan2(gy, gx) + radians(angle);
    const u: Point = [Math.cos(phi), Math.sin(phi)];
    const { eta } = settings();
    const real = J.at(x + eta * u[0], y + eta * u[1]) - J.at(x, y);
    return { u, predicted: eta * (u[0] * gx + u[1] * gy), real };
  }

  const frame = inFrame(draw);
  function draw(): void {
    if (!map.ready || !chart.ready) return;
    const { eta, angle } = settings();
    const now = changes(angle);
    map.place(at());
    sliders.forEach((s, i) => s.set(i ? angle : eta));
    drawDial(now.u, eta, angle);
    drawChart(now, angle);
    readings[0]!.textContent = number(now.predicted, 3);
    readings[1]!.textContent = number(now.real, 3);
    readings.forEach((r, i) => (r.dataset["value"] = String(i ? now.real : now.predicted)));
    settle.ask();
  }

  function drawDial(u: Point, eta: number, angle: number): void {
    const [px, py] = [map.x(at()[0]), map.y(at()[1])];
    const radius = Math.abs(map.x(eta) - map.x(0));
    const [gx, gy] = changes(0).u;
    const tip = (x: number, y: number, r: number): [number, number] => [px + x * r, py - y * r];
    const far = Math.max(REACH, radius + 22);
    for (const [name, value] of Object.entries({ cx: px, cy: py, r: radius })) ring.setAttribute(name, String(value));
    const end = tip(u[0], u[1], far);
    spoke.setAttribute("d", `M${px},${py}L${end[0]},${end[1]}`);
    drawArrows(arrows, [
      { from: [px, py], to: tip(gx, gy, REACH), kind: "gradient" },
      { from: [px, py], to: tip(u[0], u[1], Math.max(12, radius)), kind: "update" },
    ]);
    knob.style.transform = `translate(${end[0]}px,${end[1]}px)`;
    knob.setAttribute("aria-label", `Direction of the step: ${angle}° from the gradient. Arrow keys turn it.`);
  }

  function drawChart(now: { predicted: number; real: number }, angle: number): void {
    const all = Array.from(degrees, changes);
    const values = all.flatMap((c) => [c.predicted, c.real]);
    const [low, high] = [Math.min(...values), Math.max(...values)];
    const room = 0.12 * (high - low || 1);
    chart.span([0, 360], [low - room, high + room]);
    const x = chart.x(180);
    opposite.setAttribute("d", `M${x},${MARGIN.top}V${chart.bottom}`);
    note.setAttribute("x", String(x));
    note.setAttribute("y", String(MARGIN.top - 6));
    predictedLine.setAttribute("d", chart.line(degrees, all.map((c) => c.predicted)));
    realLine.setAttribute("d", chart.line(degrees, all.map((c) => c.real)));
    cursor.setAttribute("d", `M${chart.x(angle)},${MARGIN.top}V${chart.bottom}`);
    for (const [dot, value] of [[predictedDot, now.predicted], [realDot, now.real]] as const) {
      dot.setAttribute("cx", String(chart.x(angle)));
      dot.setAttribute("cy", String(chart.y(value)));
    }
  }

  const settle = whenSettled(() => {
    const { angle, eta } = settings();
    const { predicted, real } = changes(angle);
    const move = real < 0 ? "downhill: a good move" : "not downhill";
    const miss = Math.abs(real - predicted);
    verdict.textContent = `At ${angle}° with η = ${number(eta, 2)} the loss really changes by ${number(real, 3)}, ${move}. The straight-line forecast misses by ${number(miss, 2)}.`;
  }, 300);

  const listen = drag<HTMLButtonElement, unknown>()
    .container(() => map.el)
    .on("start", () => knob.focus({ preventScroll: true }))
    .on("drag", (event: { x: number; y: number }) => {
      const [gx, gy] = J.slope(...at());
      const phi = Math.atan2(map.y(at()[1]) - event.y, event.x - map.x(at()[0]));
      turn(((phi - Math.atan2(gy, gx)) * 180) / Math.PI);
    })
    .subject(() => {
      const { x, y } = knob.getBoundingClientRect();
      const box = map.el.getBoundingClientRect();
      return { x: x - box.x + 20, y: y - box.y + 20 };
    });
  select<HTMLButtonElement, unknown>(knob).call(listen);
  knob.addEventListener("keydown", (event) => {
    const way = { ArrowLeft: 1, ArrowUp: 1, ArrowRight: -1, ArrowDown: -1 }[event.key];
    const goal = event.key === "Home" ? 180 : way === undefined ? null : settings().angle + way * (event.shiftKey ? 1 : 5);
    if (goal === null) return;
    event.preventDefault();
    turn(goal);
  });
  const scrub = drag<SVGSVGElement, unknown>()
    .container(() => chart.root)
    .on("start drag", (event: { x: number }) => {
      turn(Math.min(359, Math.max(0, chart.x.invert(event.x))));
    });
  select<SVGSVGElement, unknown>(chart.root).call(scrub).style("touch-action", "pan-y");

  const reading = (label: string, kind: string, output: HTMLElement) =>
    h("div", `score key-${kind}`, {}, h("span", "note", {}, label), output);
  el.append(
    h("p", "hidden", {}, scene.alt),
    h("div", "pair", {}, map.el, chart.el),
    h(
      "div",
      "desk",
      {},
      h("div", "sliders", {}, ...sliders.map((s) => s.el)),
      reading("predicted η uᵀ∇L", "predicted", readings[0]!),
      reading("real L(θ + ηu) − L(θ)", "real", readings[1]!),
      button("Back to the beginning", "reset", () => store.reset()),
    ),
    verdict,
    h("p", "note", {}, "Dotted arrow: the gradient. Plain arrow: the step ηu. Turn the step by the blue knob, by the slider or by keys (Home: 180°); the point can be dragged too."),
  );
  store.on(["start", "hyper"], () => frame.ask());
  return () => [frame.stop, settle.stop, map.stop, chart.stop].forEach((stop) => stop());
}
