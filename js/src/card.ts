// One rule in the list: on or off, its line, how it fares, its sliders.

import { h } from "./dom";
import { number, short } from "./format";
import type { Run } from "./run";
import type { RulePart } from "./scene";
import { slider, type Slider } from "./slider";
import { sample } from "./style";

/** Settings that few readers move are folded away. */
const folded = (name: string): boolean => name.startsWith("eps");

export class RuleCard {
  readonly el: HTMLElement;
  private readonly check = h("input", "check", { type: "checkbox" });
  private readonly loss = h("output", "card-loss");
  private readonly status = h("span", "status");
  private readonly sliders: Record<string, Slider> = {};

  constructor(
    readonly part: RulePart,
    index: number,
    change: (name: string, value: number) => void,
    turn: (on: boolean) => void,
  ) {
    this.check.addEventListener("change", () => turn(this.check.checked));
    const title = h("label", "card-title", {}, this.check, sample(index), h("span", "card-name", {}, part.key));
    for (const hyper of part.hyper)
      this.sliders[hyper.name] = slider(hyper, part.key, (value) => change(hyper.name, value));
    const [rare, common] = [true, false].map((wanted) =>
      part.hyper.filter((p) => folded(p.name) === wanted).map((p) => this.sliders[p.name]!.el),
    );
    this.el = h(
      "section",
      "card",
      { "aria-label": part.key, "data-rule": part.key },
      title,
      h("p", "card-facts", {}, this.loss, this.status),
      h("div", "sliders", {}, ...common!),
      rare!.length ? h("details", "more", {}, h("summary", "", {}, "more settings"), ...rare!) : null,
    );
  }

  setOn(on: boolean): void {
    this.check.checked = on;
    this.el.classList.toggle("lecopt-off", !on);
  }

  setHyper(settings: Readonly<Record<string, number>>): void {
    for (const [name, value] of Object.entries(settings)) this.sliders[name]?.set(value);
  }

  setRun(run: Run, target: number): void {
    this.status.textContent = outcome(run, target);
    this.status.title = run.firstBelow >= 0 ? `the first step with a loss below ${short(target)}` : "";
    this.status.classList.toggle("lecopt-bad", run.divergedAt >= 0);
  }

  setStep(run: Run, k: number): void {
    const gone = run.divergedAt >= 0 && k >= run.divergedAt;
    this.loss.textContent = gone ? "diverged" : `L = ${number(run.loss[Math.min(k, run.steps)]!, 3)}`;
  }
}

/** How a rule fares, in a few words. */
export function outcome(run: Run, target: number): string {
  if (run.firstBelow >= 0) return `L < ${short(target)} at step ${run.firstBelow}`;
  if (run.divergedAt >= 0) return `✕ diverges at step ${run.divergedAt}`;
  return `not < ${short(target)} in ${run.steps} steps`;
}
