// Play, pause, step, scrub, speed.

import { button, h, icon } from "./dom";

const SPEEDS = [2, 10, 30, 100, 300];

export interface PlayerActions {
  goTo(step: number): void;
  play(on: boolean): void;
}

export class Player {
  readonly el: HTMLElement;
  readonly scrub = h("input", "range scrub", { type: "range", min: 0, step: 1, "aria-label": "Step" });
  private readonly toggle: HTMLButtonElement;
  private readonly label = h("output", "step-label");
  private readonly speed = h("select", "select", { "aria-label": "Speed" });
  private readonly calm = window.matchMedia("(prefers-reduced-motion: reduce)");
  private frame = 0;
  private before = 0;
  private owed = 0;
  private step = 0;
  private most = 1;
  private playing = false;

  constructor(private readonly actions: PlayerActions) {
    for (const n of SPEEDS) this.speed.append(h("option", "", { value: n }, `${n} steps/s`));
    this.speed.value = "30";
    this.toggle = button("Play", "play", () => this.press());
    this.toggle.classList.add("lecopt-primary");
    this.scrub.addEventListener("input", () => this.goTo(Number(this.scrub.value)));
    this.el = h(
      "div",
      "player",
      { role: "group", "aria-label": "Player" },
      this.toggle,
      button("First step", "first", () => this.goTo(0)),
      button("One step back", "back", () => this.goTo(this.step - 1)),
      button("One step forward", "forward", () => this.goTo(this.step + 1)),
      button("Last step", "last", () => this.goTo(this.most)),
      this.scrub,
      this.label,
      this.speed,
    );
  }

  set(step: number, most: number): void {
    this.step = step;
    this.most = most;
    this.scrub.max = String(most);
    this.scrub.value = String(step);
    this.scrub.style.setProperty("--lec-done", `${(100 * step) / Math.max(1, most)}%`);
    this.scrub.setAttribute("aria-valuetext", `step ${step} of ${most}`);
    this.label.textContent = `${step} / ${most}`;
  }

  /** Pause, and go to a step. */
  goTo(step: number): void {
    this.actions.play(false);
    this.actions.goTo(Math.min(this.most, Math.max(0, step)));
  }

  /** What the space bar and the button do; from the end, it begins again. */
  press(): void {
    if (!this.playing && this.step >= this.most) this.actions.goTo(0);
    this.actions.play(!this.playing);
  }

  setPlaying(on: boolean): void {
    if (on === this.playing) return;
    this.playing = on;
    this.toggle.replaceChildren(icon(on ? "pause" : "play"));
    this.toggle.setAttribute("aria-label", on ? "Pause" : "Play");
    this.toggle.title = on ? "Pause" : "Play";
    cancelAnimationFrame(this.frame);
    this.before = 0;
    this.owed = 0;
    if (on) this.frame = requestAnimationFrame((now) => this.tick(now));
  }

  private tick(now: number): void {
    if (!this.playing) return;
    const passed = this.before ? Math.min(0.25, (now - this.before) / 1000) : 0;
    this.before = now;
    this.owed += passed * Number(this.speed.value);
    // Where motion is unwelcome the same speed comes as a few jumps a second.
    const least = this.calm.matches ? Math.max(1, Number(this.speed.value) / 2) : 1;
    if (this.owed >= least) {
      const whole = Math.floor(this.owed);
      this.owed -= whole;
      const next = Math.min(this.most, this.step + whole);
      this.actions.goTo(next);
      if (next >= this.most) return this.actions.play(false);
    }
    this.frame = requestAnimationFrame((later) => this.tick(later));
  }
}
