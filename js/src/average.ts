// Scene "average": noisy values, smoothed by an exponentially weighted average.

import { h, svg } from "./dom";
import { number, short } from "./format";
import { Frame, MARGIN } from "./frame";
import type { AverageScene } from "./scene";
import { series } from "./series";
import { slider } from "./slider";
import { inFrame, whenSettled, type Store } from "./store";

export function average(el: HTMLElement, scene: AverageScene, store: Store): () => void {
  const { values, rule } = scene;
  const n = values.length;
  const beta = () => store.get("hyper")[""]!["beta"]!;
  const times = Float64Array.from({ length: n }, (_, i) => i + 1);
  const low = Math.min(0, ...values);
  const high = Math.max(0, ...values);

  const chart = new Frame({ labels: ["t", "value"], ratio: 0.42, tall: [190, 300], draw: () => frame.ask() });
  const dots = svg("path", "noise");
  const line = svg("path", "model-line real");
  const corrected = svg("path", "model-line predicted");
  const memory = svg("path", "window");
  const memoryName = svg("text", "chart-note", { "text-anchor": "end" });
  chart.layer.append(dots, memory, memoryName, line, corrected);
  const control = slider(scene.sliders[0]!, "", (value) => store.putHyper("", "beta", value));
  const check = h("input", "check", { type: "checkbox" });
  check.checked = true;
  const span = h("output", "reading small");
  const words = h("p", "hidden", { "aria-live": "polite" });

  const frame = inFrame(() => {
    if (!chart.ready) return;
    const { m, theta } = series(rule, { beta: beta() }, values, ["m", "theta"]);
    const room = 0.08 * (high - low);
    chart.span([0, n + 1], [low - (low < 0 ? room : 0), high + room]);
    dots.setAttribute("d", values.map((v, i) => `M${chart.x(i + 1).toFixed(1)},${chart.y(v).toFixed(1)}h0`).join(""));
    line.setAttribute("d", chart.line(times, m!));
    line.dataset["values"] = JSON.stringify([...m!]);
    corrected.setAttribute("d", check.checked ? chart.line(times, theta!) : "");
    const wide = 1 / (1 - beta());
    const [from, to] = [chart.x(Math.max(0, n - wide)), chart.x(n)];
    const y = MARGIN.top + 12;
    memory.setAttribute("d", `M${from},${y - 4}v8M${from},${y}H${to}M${to},${y - 4}v8`);
    memoryName.textContent = `≈ ${number(wide, 2)} values`;
    memoryName.setAttribute("x", String(to));
    memoryName.setAttribute("y", String(y - 8));
    span.textContent = `1/(1 − β) = ${number(wide, 3)} values`;
    control.set(beta());
    speak.ask();
  });
  const speak = whenSettled(() => {
    words.textContent = `β = ${short(beta())}: the average runs over about ${number(1 / (1 - beta()), 2)} values.`;
  });
  check.addEventListener("change", () => frame.ask());
  el.append(
    h("p", "hidden", {}, scene.alt),
    chart.el,
    h(
      "div",
      "desk",
      {},
      h("div", "sliders", {}, control.el),
      h("div", "score", {}, h("span", "note", {}, "memory"), span),
      h("label", "toggle key-predicted", {}, check, "bias corrected"),
      h("span", "note key-real", {}, "plain average"),
    ),
    words,
  );
  store.on(["hyper"], () => frame.ask());
  return () => [frame.stop, speak.stop, chart.stop].forEach((stop) => stop());
}
