// Scene "guess": set w and b by hand; the curve bends to the points, a marker moves on the map.

import { CurveView } from "./curve";
import { button, h, svg } from "./dom";
import { number, point } from "./format";
import { MapView } from "./map";
import { Objective } from "./objective";
import type { GuessScene, Point, SliderPart } from "./scene";
import { slider } from "./slider";
import { inFrame, whenSettled, type Store } from "./store";
import { grid, heights } from "./surface";

export function guess(el: HTMLElement, scene: GuessScene, store: Store): () => void {
  const { objective } = scene;
  const J = new Objective(objective);
  const surface = grid((x, y) => J.at(x, y), objective.window, 121);
  const theta = () => store.get("start") as Point;
  const lossNow = () => J.at(...theta());
  let trail: Point[] = [theta()];

  const line = svg("path", "trail");
  const dots = svg("path", "trail-dots");
  const map = new MapView({
    surface,
    levels: heights(surface, scene.levels),
    labels: objective.labels,
    minima: [],
    handle: "Your guess",
    move: (p) => store.put("start", p),
    draw: () => frame.ask(),
  });
  map.layer.append(line, dots);
  const curve = new CurveView(objective, () => (el.clientWidth < 560 ? 0.5 : 0.92), () => frame.ask());
  const sliders = objective.labels.map((label, d) => {
    const part: SliderPart = { name: label, symbol: label, value: theta()[d]!, range: objective.window[d]!, log: false, limits: [null, null] };
    return slider(part, "", (value) => store.put("start", theta().map((x, i) => (i === d ? value : x))));
  });
  const loss = h("output", "big");
  const best = h("span", "note");
  const words = h("p", "hidden", { "aria-live": "polite" });
  const list = h("ol", "guesses", { reversed: true });
  const details = h("details", "data", {}, h("summary", "", {}, "Your guesses"), list);

  const frame = inFrame(draw);
  const settle = whenSettled(() => {
    const last = trail[trail.length - 1]!;
    if (last[0] !== theta()[0] || last[1] !== theta()[1]) trail = [...trail, theta()];
    words.textContent = `Guess ${point(theta())}: loss ${number(lossNow(), 3)}.`;
    drawTrail();
  }, 450);

  function draw(): void {
    if (!map.ready) return;
    map.place(theta());
    curve.set([{ theta: Float64Array.from(theta()), index: 0 }]);
    sliders.forEach((s, d) => s.set(theta()[d]!));
    loss.textContent = number(lossNow(), 4);
    loss.dataset["value"] = String(lossNow());
    drawTrail();
    settle.ask();
  }

  function drawTrail(): void {
    const place = ([x, y]: Point) => `${map.x(x).toFixed(1)},${map.y(y).toFixed(1)}`;
    line.setAttribute("d", `M${[...trail, theta()].map(place).join("L")}`);
    dots.setAttribute("d", trail.map((p) => `M${place(p)}h0`).join(""));
    const losses = trail.map((p) => J.at(...p));
    const least = losses.indexOf(Math.min(...losses));
    best.textContent = `best of ${trail.length} ${trail.length === 1 ? "guess" : "guesses"}: ${number(losses[least]!, 3)} at ${point(trail[least]!)}`;
    list.replaceChildren(
      ...trail.map((p, i) => h("li", "", {}, `${point(p)}, loss ${number(losses[i]!, 4)}`)).reverse(),
    );
  }

  const forget = button("Forget the guesses and begin again", "reset", () => {
    store.reset();
    trail = [theta()];
    frame.ask();
  });
  el.append(
    h("p", "hidden", {}, scene.alt),
    h("div", "pair", {}, curve.frame.el, map.el),
    h(
      "div",
      "desk",
      {},
      h("div", "sliders", {}, ...sliders.map((s) => s.el)),
      h("div", "score", {}, h("span", "note", {}, "loss L(w, b)"), loss, best),
      forget,
    ),
    details,
    words,
  );
  store.on(["start"], () => frame.ask());
  return () => [frame.stop, settle.stop, map.stop, curve.frame.stop].forEach((stop) => stop());
}
