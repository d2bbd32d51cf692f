// Run a rule over an objective within a budget of gradient evaluations.

import { Counted, type Objective } from "./objective";
import { size, type Shape } from "./ops";
import { Schedules } from "./schedule";
import type { BatchesPart, RulePart } from "./scene";
import { compileInit, compileStep, type CompiledInit, type CompiledStep, type Evaluator } from "./tape";

export const TOO_LARGE = 1e12;

/** A rule, compiled, with the layout of theta, its state and its schedules' memory in one array. */
export class Runner {
  readonly compiled: CompiledStep;
  readonly schedules: Schedules;
  readonly width: number;
  /** Gradients that each step asks for, but for those of a search. */
  readonly gradsPerStep: number;
  /** The shapes of "theta" and of each field of the state. */
  readonly fields: Readonly<Record<string, Shape>>;
  /** The names of the settings: those that the reader moves, then those on a schedule. */
  readonly settings: readonly string[];
  private readonly begin: CompiledInit;
  private readonly own: number;

  constructor(
    readonly part: RulePart,
    readonly dim: number,
  ) {
    this.schedules = new Schedules(part.schedules ?? []);
    this.settings = [...part.hyper, ...this.schedules.parts].map((h) => h.name);
    this.begin = compileInit(part.init, dim, this.settings);
    this.fields = this.begin.fields;
    this.own = Object.values(this.fields).reduce((n, shape) => n + size(shape), 0);
    this.width = this.own + this.schedules.width;
    this.compiled = compileStep(part.program, this.fields, this.settings);
    this.gradsPerStep = this.compiled.asked.length;
  }

  /** Steps that a budget of gradient evaluations pays for. */
  stepsFor(budget: number): number {
    return Math.floor(budget / Math.max(1, this.gradsPerStep));
  }

  /** Theta, state and memory before the first step. */
  init(start: readonly number[], hyper: Float64Array, into: Float64Array): void {
    this.begin.init(Float64Array.from(start), hyper, into);
    this.schedules.init(into, this.own);
  }

  /** The settings; those on a schedule are as before it begins, until a step sets them. */
  hyper(settings: Readonly<Record<string, number>>): Float64Array {
    const own = this.part.hyper.map((h) => settings[h.name] ?? h.value);
    return Float64Array.from([...own, ...this.schedules.parts.map((s) => s.value)]);
  }

  /** Set what is on a schedule for step t, where the loss is `loss`. */
  schedule(from: Float64Array, o: number, to: Float64Array, p: number, t: number, loss: number, hyper: Float64Array): void {
    this.schedules.step(from, o + this.own, to, p + this.own, t, loss, hyper, this.part.hyper.length);
  }

  /** What its schedules say for the step from point k of a run. */
  scheduled({ history, loss }: Run, k: number): Float64Array {
    const hyper = this.hyper({});
    this.schedule(history, k * this.width, new Float64Array(this.width), 0, k, loss[k]!, hyper);
    return hyper.subarray(this.part.hyper.length);
  }
}

/** What a run went through; point k is after k steps. */
export interface Run {
  history: Float64Array;
  width: number;
  dim: number;
  /** The last step whose loss is a usable number. */
  steps: number;
  loss: Float64Array;
  /** Evaluations that the rule and its schedules had asked for by then. */
  lossEvals: Float64Array;
  gradEvals: Float64Array;
  divergedAt: number;
  firstBelow: number;
}

/** The step's effect on one point of a run, with every local value, and the settings it was taken with. */
export interface Moment {
  record: Float64Array;
  next: Float64Array;
  hyper: Float64Array;
}

/** Run a rule; with `rows`, step k descends the objective on rows[k], and there are no more steps. */
export function run(
  runner: Runner,
  J: Evaluator & { on?: Objective["on"] },
  start: readonly number[],
  settings: Readonly<Record<string, number>>,
  budget: number,
  target: number,
  reuse?: Run,
  rows?: BatchesPart["rows"],
): Run {
  const { width, dim, compiled, schedules, gradsPerStep } = runner;
  const most = Math.min(runner.stepsFor(budget), rows?.length ?? Infinity);
  const fits = reuse && reuse.history.length === (most + 1) * width;
  const column = () => new Float64Array(most + 1);
  const history = fits ? reuse.history : new Float64Array((most + 1) * width);
  const [loss, lossEvals, gradEvals] = fits ? [reuse.loss, reuse.lossEvals, reuse.gradEvals] : [column(), column(), column()];
  const hyper = runner.hyper(settings);
  const x = new Float64Array(dim);
  const counted = new Counted();
  const result: Run = { history, width, dim, steps: 0, loss, lossEvals, gradEvals, divergedAt: -1, firstBelow: -1 };
  runner.init(start, hyper, history);
  for (let k = 0; k <= most; k++) {
    if (k) {
      if (counted.grads + gradsPerStep > budget) break;
      counted.of = rows ? J.on!(rows[k - 1]!) : J;
      if (schedules.watches) counted.losses++;
      runner.schedule(history, (k - 1) * width, history, k * width, k - 1, loss[k - 1]!, hyper);
      compiled.step(history, (k - 1) * width, history, k * width, hyper, counted);
    }
    for (let d = 0; d < dim; d++) x[d] = history[k * width + d]!;
    const value = J.loss(x);
    // A NaN fails the comparison, so it counts as diverged; so does a point that left the floats.
    if (!(Math.abs(value) <= TOO_LARGE) || !x.every(Number.isFinite)) {
      result.divergedAt = k;
      break;
    }
    loss[k] = value;
    lossEvals[k] = counted.losses;
    gradEvals[k] = counted.grads;
    result.steps = k;
    if (result.firstBelow < 0 && value < target) result.firstBelow = k;
  }
  return result;
}

/** Take the step from point k again, and keep the local values. */
export function moment(
  runner: Runner,
  J: Evaluator,
  result: Run,
  k: number,
  settings: Readonly<Record<string, number>>,
): Moment {
  const record = new Float64Array(runner.compiled.recordSize);
  const next = new Float64Array(runner.width);
  const hyper = runner.hyper(settings);
  runner.schedule(result.history, k * runner.width, next, 0, k, result.loss[k]!, hyper);
  runner.compiled.traced(result.history, k * runner.width, next, 0, hyper, J, record);
  return { record, next, hyper };
}
