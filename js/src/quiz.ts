// Scene "quiz": which of four surfaces has this contour map?

import { button, h } from "./dom";
import { MapView } from "./map";
import { Objective } from "./objective";
import type { QuizQuestion, QuizScene } from "./scene";
import { inFrame, type Store } from "./store";
import { grid, heights, solid, type Grid } from "./surface";

const LETTERS = ["A", "B", "C", "D"];

export function quiz(el: HTMLElement, scene: QuizScene, store: Store): () => void {
  const { questions } = scene;
  const count = questions.length;
  const current = () => Math.min(store.get("step"), count - 1);
  const answer = () => store.get("answers")[current()] ?? -1;
  const score = () => questions.filter((q, i) => store.get("answers")[i] === q.right).length;

  const title = h("p", "quiz-title");
  const tally = h("span", "note");
  const mapBox = h("div", "quiz-map");
  const buttons = LETTERS.map((letter, i) => {
    const choice = h("button", "choice", { type: "button", "aria-pressed": "false" });
    choice.addEventListener("click", () => choose(i));
    return { choice, letter };
  });
  const choices = h("div", "choices", { role: "group", "aria-label": "Four surfaces" }, ...buttons.map((b) => b.choice));
  const feedback = h("p", "feedback", { role: "status" });
  const back = button("Previous question", "back", () => go(current() - 1));
  const next = button("Next question", "forward", () => go(current() + 1));
  let drawn = -1;
  let map: MapView | null = null;

  function go(to: number): void {
    store.put("step", Math.min(count - 1, Math.max(0, to)));
  }

  function choose(place: number): void {
    store.put("answers", questions.map((_, i) => (i === current() ? place : (store.get("answers")[i] ?? -1))));
  }

  function build(question: QuizQuestion): void {
    map?.stop();
    const tall = (J: Objective, n: number): Grid => grid((x, y) => J.at(x, y), question.window, n);
    const right = new Objective(question.surfaces[question.right]!);
    const surface = tall(right, 97);
    map = new MapView({ surface, levels: heights(surface, "linear", 14), labels: question.labels, minima: [], plain: true });
    mapBox.replaceChildren(map.el);
    question.surfaces.forEach((candidate, i) => {
      const own = tall(new Objective(candidate), 31);
      const { choice, letter } = buttons[i]!;
      const picture = solid(own, heights(own, "linear", 14), `Surface ${letter}`, question.labels);
      choice.replaceChildren(h("b", "letter", { "aria-hidden": "true" }, letter), picture);
    });
  }

  const frame = inFrame(draw);
  function draw(): void {
    const question = questions[current()]!;
    if (drawn !== current()) build(question);
    drawn = current();
    title.textContent = `Question ${current() + 1} of ${count}: which surface has this contour map?`;
    tally.textContent = `${score()} of ${count} right`;
    back.disabled = current() === 0;
    next.disabled = current() === count - 1;
    const chosen = answer();
    const right = chosen === question.right;
    buttons.forEach(({ choice }, i) => {
      choice.setAttribute("aria-pressed", String(i === chosen));
      choice.classList.toggle("lecopt-right", i === chosen && right);
      choice.classList.toggle("lecopt-wrong", i === chosen && !right);
    });
    feedback.className = chosen < 0 ? "lecopt-feedback" : `lecopt-feedback lecopt-${right ? "right" : "wrong"}`;
    feedback.textContent =
      chosen < 0
        ? "Choose a surface. The darker, the lower; all lines are at equal steps of height."
        : `${LETTERS[chosen]} is ${right ? "right" : "not it"}. ${question.surfaces[chosen]!.why}`;
  }

  const keys = (event: KeyboardEvent) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const place = Math.max("1234".indexOf(event.key), "abcd".indexOf(event.key.toLowerCase()));
    const goal = { ArrowLeft: current() - 1, ArrowRight: current() + 1, Home: 0, End: count - 1 }[event.key];
    if (place >= 0) choose(place);
    else if (goal !== undefined) go(goal);
    else return;
    event.preventDefault();
  };
  el.addEventListener("keydown", keys);
  el.append(
    h("div", "bar", {}, title, h("span", "bar-end", {}, tally, back, next)),
    h("div", "quiz-body", {}, mapBox, choices),
    feedback,
    h("p", "note", {}, "Keys: A to D choose, ← and → change the question."),
  );
  store.on(["step", "answers"], () => frame.ask());
  draw();
  return () => {
    frame.stop();
    map?.stop();
    el.removeEventListener("keydown", keys);
  };
}
