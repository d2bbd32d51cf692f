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
  private readonly scheduled: HTMLElement[] = [];

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
    const rows = (part.schedules ?? []).map(({ name, symbol }) => {
      const value = h("span", "scheduled", { "data-name": name });
      this.scheduled.push(value);
      return h("div", "slider", {}, h("span", "symbol", { title: name }, symbol), h("span", "status", {}, "on a schedule"), value);
    });
    this.el = h(
      "section",
      "card",
      { "aria-label": part.key, "data-rule": part.key },
      title,
      h("p", "card-facts", {}, this.loss, this.status),
      h("div", "sliders", {}, ...common!, ...rows),
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

  /** Show step k of a run, and the settings that its schedules have for it. */
  setStep(run: Run, k: number, scheduled: ArrayLike<number>): void {
    this.scheduled.forEach((value, i) => (value.textContent = short(scheduled[i]!, 3)));
    const gone = run.divergedAt >= 0 && k >= run.divergedAt;
    this.loss.textContent = gone ? "diverged" : `L = ${number(run.loss[Math.min(k, run.steps)]!, 3)}`;
  }
}

/** How a rule fares, in a few words, and how many losses it looked at on its way. */
export function outcome(run: Run, target: number): string {
  const looks = run.lossEvals[run.steps]!;
  return fate(run, target) + (looks ? `; ${looks} losses looked at in all` : "");
}

function fate(run: Run, target: number): string {
  if (run.firstBelow >= 0) return `L < ${short(target)} at step ${run.firstBelow}`;
  if (run.divergedAt >= 0) return `✕ diverges at step ${run.divergedAt}`;
  return `not < ${short(target)} in ${run.steps} steps`;
}
