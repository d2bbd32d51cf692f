// Scene "weights": how much of each past gradient momentum still remembers.

import { h, svg } from "./dom";
import { number, short } from "./format";
import { Frame } from "./frame";
import type { WeightsScene } from "./scene";
import { series } from "./series";
import { slider } from "./slider";
import { inFrame, whenSettled, type Store } from "./store";

export function weights(el: HTMLElement, scene: WeightsScene, store: Store): () => void {
  const { n, rule } = scene;
  const gamma = () => store.get("hyper")[""]!["gamma"]!;
  const impulse = Float64Array.from({ length: n }, (_, i) => (i === 0 ? 1 : 0));
  const constant = new Float64Array(n).fill(1);
  const ages = Float64Array.from({ length: n }, (_, i) => i);
  const steps = ages.map((i) => i + 1);

  const draw = () => frame.ask();
  const bars = new Frame({ labels: ["age of the gradient, steps", "weight in today's update"], ratio: 0.6, tall: [150, 260], draw });
  const sum = new Frame({ labels: ["step", "update under a constant gradient of 1"], ratio: 0.6, tall: [150, 260], draw });
  const bar = svg("path", "bars");
  const limit = svg("path", "target");
  const line = svg("path", "model-line real");
  bars.layer.append(bar);
  sum.layer.append(limit, line);
  const control = slider(scene.sliders[0]!, "", (value) => store.putHyper("", "gamma", value));
  const first = h("output", "reading small");
  const total = h("output", "reading small");
  const words = h("p", "hidden", { "aria-live": "polite" });

  const frame = inFrame(() => {
    if (!bars.ready || !sum.ready) return;
    const settings = { gamma: gamma(), eta: 1 };
    const weight = series(rule, settings, impulse, ["u"])["u"]!;
    const update = series(rule, settings, constant, ["u"])["u"]!;
    const most = 1 / (1 - gamma());
    control.set(gamma());
    bars.span([-0.7, n - 0.3], [0, 1.04]);
    const wide = Math.max(2, 0.74 * (bars.x(1) - bars.x(0)));
    bar.setAttribute(
      "d",
      Array.from(weight, (w, i) => `M${(bars.x(i) - wide / 2).toFixed(1)},${bars.bottom}V${bars.y(w).toFixed(1)}h${wide.toFixed(1)}V${bars.bottom}Z`).join(""),
    );
    const top = Number.isFinite(most) ? Math.max(2, Math.min(most, 1.6 * update[n - 1]!) * 1.12) : n;
    sum.span([0, n], [0, top]);
    limit.setAttribute("d", most <= top ? `M${sum.x(0)},${sum.y(most)}H${sum.x(n)}` : "");
    line.setAttribute("d", sum.line(steps, update));
    first.textContent = `${Array.from(weight.subarray(0, 4), (w) => short(w, 3)).join(" + ")} + …`;
    first.dataset["values"] = JSON.stringify([...weight]);
    total.textContent = Number.isFinite(most) ? `1/(1 − γ) = ${number(most, 3)}` : "no limit";
    speak.ask();
  });
  const speak = whenSettled(() => {
    words.textContent = `γ = ${short(gamma())}: weights ${first.textContent}; all together ${total.textContent}.`;
  });
  el.append(
    h("p", "hidden", {}, scene.alt),
    h("div", "pair", {}, bars.el, sum.el),
    h(
      "div",
      "desk",
      {},
      h("div", "sliders", {}, control.el),
      h("div", "score", {}, h("span", "note", {}, "weights, newest first"), first),
      h("div", "score", {}, h("span", "note", {}, "their sum tends to"), total),
    ),
    words,
  );
  store.on(["hyper"], () => frame.ask());
  return () => [frame.stop, speak.stop, bars.stop, sum.stop].forEach((stop) => stop());
}
