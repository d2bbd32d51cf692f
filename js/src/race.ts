// Scene "race": update rules from one start, over the contour map.

import { RuleCard, outcome } from "./card";
import { CodeView } from "./code";
import { CurveView } from "./curve";
import { button, h, svg } from "./dom";
import { number, point, short } from "./format";
import { LossView } from "./loss";
import { MapView } from "./map";
import { Player } from "./player";
import { Objective } from "./objective";
import { Runner, run, type Run } from "./run";
import type { Point, RaceScene } from "./scene";
import { inFrame, whenSettled, type Store } from "./store";
import { grid, heights } from "./surface";
import { dataTable } from "./table";
import { Track, drawArrows } from "./track";
import { arrowsOf } from "./vectors";

const GRID = 121;

/** A rule in the race. */
interface Racer {
  key: string;
  index: number;
  runner: Runner;
  card: RuleCard;
  track: Track;
  run: Run;
}

export function race(el: HTMLElement, scene: RaceScene, store: Store): () => void {
  const { objective, target, panels } = scene;
  const J = new Objective(objective);
  const surface = grid((x, y) => J.at(x, y), objective.window, GRID);
  const levels = heights(surface, scene.levels);
  const racers = scene.rules.map((part, index): Racer => {
    const change = (name: string, value: number) => store.putHyper(part.key, name, value);
    const card = new RuleCard(part, index, change, (on) => turn(part.key, on));
    const runner = new Runner(part, 2);
    const settings = store.get("hyper")[part.key] ?? {};
    const first = run(runner, J, store.get("start"), settings, store.get("budget"), target);
    return { key: part.key, index, runner, card, track: new Track(index), run: first };
  });
  const settingsOf = (key: string) => store.get("hyper")[key] ?? {};
  const isOn = (racer: Racer) => store.get("on").includes(racer.key);
  const shown = () => racers.filter(isOn);
  const most = () => Math.max(1, ...racers.map((r) => r.runner.stepsFor(store.get("budget"))));
  const stepNow = () => Math.min(store.get("step"), most());

  const arrows = svg("g", "arrows");
  const map = new MapView({
    surface,
    levels,
    labels: objective.labels,
    minima: objective.minima,
    handle: "Start",
    move: (p: Point) => store.put("start", p),
    draw: () => ask("all"),
  });
  map.layer.append(...racers.map((r) => r.track.el), arrows);
  const player = new Player({ goTo: (k) => store.put("step", k), play: (on) => store.put("playing", on) });
  const loss = panels.includes("loss") ? new LossView(target, (k) => player.goTo(k)) : null;
  const code = panels.includes("code")
    ? new CodeView(J, objective.labels, racers.map((r) => r.key), (name) => store.put("code", name))
    : null;
  const curve = panels.includes("model") && objective.predict ? new CurveView(objective, 0.55, () => ask("all")) : null;
  const table = panels.includes("table") ? dataTable(objective.labels) : null;
  const budget = h("input", "field budget", { type: "number", min: 1, max: 100000, step: 1, "aria-label": "Gradient evaluations for each rule" });
  const withArrows = h("input", "check", { type: "checkbox" });
  const caption = h("p", "arrow-caption", { hidden: true });
  const words = h("p", "hidden", { "aria-live": "polite" });

  budget.addEventListener("change", () => {
    const n = Math.round(Number(budget.value));
    if (n >= 1 && n <= 100_000) {
      const atEnd = stepNow() >= most();
      store.put("budget", n);
      if (atEnd) store.put("step", most());
    } else budget.value = String(store.get("budget"));
  });
  withArrows.addEventListener("change", () => ask("step"));

  function turn(key: string, on: boolean): void {
    store.put("on", racers.map((r) => r.key).filter((k) => (k === key ? on : store.get("on").includes(k))));
    if (on) store.put("code", key);
  }

  // What has changed since the last frame: the step alone, or all of it.
  let work: "step" | "all" = "all";
  const frame = inFrame(draw);
  function ask(what: "step" | "all"): void {
    if (what === "all") work = "all";
    frame.ask();
  }

  function draw(): void {
    if (!map.ready) return;
    const k = stepNow();
    if (work === "all") drawRuns();
    work = "step";
    for (const racer of racers) {
      racer.card.setStep(racer.run, k, racer.runner.scheduled(racer.run, Math.min(k, racer.run.steps)));
      if (isOn(racer)) racer.track.setStep(racer.run, k);
    }
    player.set(k, most());
    loss?.setStep(k);
    const chosen = racers.find((r) => r.key === store.get("code")) ?? racers[0]!;
    code?.set(chosen.runner, chosen.run, k, settingsOf(chosen.key));
    curve?.set(shown().map((r) => ({ theta: thetaAt(r.run, k), index: r.index })));
    drawVectors(chosen, k);
    speak.ask();
  }

  function drawRuns(): void {
    const start = store.get("start") as Point;
    for (const racer of racers) {
      racer.run = run(racer.runner, J, start, settingsOf(racer.key), store.get("budget"), target, racer.run);
      racer.card.setRun(racer.run, target);
      racer.card.setHyper(settingsOf(racer.key));
      racer.card.setOn(isOn(racer));
      racer.track.el.style.display = isOn(racer) ? "" : "none";
      if (isOn(racer)) racer.track.setRun(racer.run, map);
    }
    map.place(start);
    if (document.activeElement !== budget) budget.value = String(store.get("budget"));
    loss?.set(shown().map(({ index, run }) => ({ index, run })), most(), stepNow());
  }

  function drawVectors(racer: Racer, k: number): void {
    const visible = withArrows.checked && isOn(racer);
    caption.hidden = !visible;
    if (!visible) return arrows.replaceChildren();
    const drawn = arrowsOf(racer.runner, J, racer.run, k, settingsOf(racer.key), map);
    drawArrows(arrows, drawn.arrows);
    caption.replaceChildren(
      h("span", "", {}, `${racer.key}, step ${Math.min(k, racer.run.steps)}${drawn.factor > 1 ? `, arrows × ${short(drawn.factor)}` : ""}:`),
      ...drawn.legend.map(([kind, text]) => h("span", `arrow-key arrow-${kind}`, {}, text)),
    );
  }

  const speak = whenSettled(() => {
    if (store.get("playing")) return;
    const k = stepNow();
    const parts = shown().map((r) => {
      const at = Math.min(k, r.run.steps);
      return `${r.key}: loss ${number(r.run.loss[at]!, 3)} at ${point([...thetaAt(r.run, at)])}, ${outcome(r.run, target)}.`;
    });
    words.textContent = `Start ${point(store.get("start"))}, step ${k} of ${most()}. ${parts.join(" ")}`;
    table?.set(shown().map((r) => ({ name: r.key, run: r.run })), k);
  });

  const said = h("span", "said", { role: "status" });
  const share = button("Copy a link to this state", "link", () => {
    const address = store.writeAddress();
    const done = (text: string) => {
      said.textContent = text;
      setTimeout(() => (said.textContent = ""), 2500);
    };
    (navigator.clipboard?.writeText(address) ?? Promise.reject(new Error())).then(
      () => done("link copied"),
      () => done("link is in the address bar"),
    );
  });
  const bar = h(
    "div",
    "bar",
    {},
    h("label", "budget-label", {}, "Budget ", budget, h("span", "", {}, " gradient evaluations each")),
    h("span", "bar-end", {}, said, h("label", "toggle", {}, withArrows, "arrows"), store.onPage ? share : null, button("Back to the beginning", "reset", () => store.reset())),
  );
  el.append(
    h("p", "hidden", {}, scene.alt),
    bar,
    h(
      "div",
      `stage ${racers.length <= 2 && !curve ? "few" : "many"} ${curve ? "curved" : "plain"}`,
      {},
      h("div", "map-side", {}, map.el, caption),
      player.el,
      h("div", "cards", {}, ...racers.map((r) => r.card.el)),
      loss?.el,
      curve?.frame.el,
      code?.el,
    ),
    table?.el ?? "",
    words,
  );

  store.on(["start", "hyper", "on", "budget"], () => ask("all"));
  store.on(["step", "code"], () => ask("step"));
  store.on(["playing"], () => player.setPlaying(store.get("playing")));
  const keys = (event: KeyboardEvent) => raceKeys(event, player, stepNow(), most());
  el.addEventListener("keydown", keys);
  player.setPlaying(store.get("playing"));
  draw();
  return () => {
    player.setPlaying(false);
    [frame.stop, speak.stop, map.stop, loss?.stop, curve?.frame.stop].forEach((stop) => stop?.());
    el.removeEventListener("keydown", keys);
  };
}

const thetaAt = (result: Run, k: number): Float64Array => {
  const at = Math.min(k, result.steps) * result.width;
  return result.history.subarray(at, at + result.dim);
};

/** Space plays, arrows step, Home and End jump; fields and sliders keep their own keys. */
function raceKeys(event: KeyboardEvent, player: Player, step: number, most: number): void {
  const target = event.target as HTMLElement;
  const kind = target instanceof HTMLInputElement ? target.type : target.tagName.toLowerCase();
  const typing = kind === "text" || kind === "number" || kind === "select";
  if (event.ctrlKey || event.metaKey || event.altKey || typing) return;
  if (event.key === " ") {
    if (["button", "checkbox", "summary"].includes(kind) && !target.classList.contains("lecopt-handle")) return;
    event.preventDefault();
    return player.press();
  }
  if (kind === "range") return;
  const goal = { ArrowLeft: step - 1, ArrowRight: step + 1, Home: 0, End: most }[event.key];
  if (goal === undefined) return;
  event.preventDefault();
  player.goTo(goal);
}
