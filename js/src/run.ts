// Run a rule over an objective within a budget of gradient evaluations.

import { size } from "./ops";
import type { ObjectivePart, RulePart } from "./scene";
import {
  compile,
  compileInit,
  compileStep,
  dataArrays,
  type CompiledInit,
  type CompiledStep,
  type Evaluator,
  type Shape,
} from "./tape";

export const TOO_LARGE = 1e12;

/** A loss and its gradient, compiled. */
export class Objective implements Evaluator {
  private readonly lossOf: (x: Float64Array, out: Float64Array) => void;
  private readonly gradOf: (x: Float64Array, out: Float64Array) => void;
  private readonly out = new Float64Array(1);
  private readonly point = new Float64Array(2);

  constructor(part: Pick<ObjectivePart, "loss"> & Partial<Pick<ObjectivePart, "grad" | "data">>, dim = 2) {
    const data = dataArrays(part.data ?? {});
    this.lossOf = compile(part.loss, { theta: [dim] }, data).call;
    this.gradOf = part.grad ? compile(part.grad, { theta: [dim] }, data).call : () => {};
  }

  loss(x: Float64Array): number {
    this.lossOf(x, this.out);
    return this.out[0]!;
  }

  grad(x: Float64Array, out: Float64Array): void {
    this.gradOf(x, out);
  }

  at(x: number, y: number): number {
    this.point[0] = x;
    this.point[1] = y;
    return this.loss(this.point);
  }

  slope(x: number, y: number): [number, number] {
    const out = new Float64Array(2);
    this.grad(Float64Array.of(x, y), out);
    return [out[0]!, out[1]!];
  }
}

/** A rule, compiled, with the layout of theta and its state in one array. */
export class Runner {
  readonly compiled: CompiledStep;
  readonly width: number;
  readonly gradsPerStep: number;
  readonly lossesPerStep: number;
  /** The shapes of "theta" and of each field of the state. */
  readonly fields: Readonly<Record<string, Shape>>;
  private readonly begin: CompiledInit;

  constructor(
    readonly part: RulePart,
    readonly dim: number,
  ) {
    const names = part.hyper.map((h) => h.name);
    this.begin = compileInit(part.init, dim, names);
    this.fields = this.begin.fields;
    this.width = Object.values(this.fields).reduce((n, shape) => n + size(shape), 0);
    this.compiled = compileStep(part.program, this.fields, names);
    const count = (op: string) => part.program.nodes.filter((n) => n[0] === op).length;
    this.gradsPerStep = count("grad");
    this.lossesPerStep = count("loss");
  }

  /** Steps that a budget of gradient evaluations pays for. */
  stepsFor(budget: number): number {
    return Math.floor(budget / Math.max(1, this.gradsPerStep));
  }

  /** Theta and state before the first step. */
  init(start: readonly number[], hyper: Float64Array, into: Float64Array): void {
    this.begin.init(Float64Array.from(start), hyper, into);
  }

  hyper(settings: Readonly<Record<string, number>>): Float64Array {
    return Float64Array.from(this.part.hyper, (h) => settings[h.name] ?? h.value);
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
  divergedAt: number;
  firstBelow: number;
}

/** The step's effect on one point of a run, with every local value. */
export interface Moment {
  record: Float64Array;
  next: Float64Array;
}

export function run(
  runner: Runner,
  J: Evaluator,
  start: readonly number[],
  settings: Readonly<Record<string, number>>,
  budget: number,
  target: number,
  reuse?: Run,
): Run {
  const { width, dim, compiled } = runner;
  const most = runner.stepsFor(budget);
  const fits = reuse && reuse.history.length === (most + 1) * width;
  const history = fits ? reuse.history : new Float64Array((most + 1) * width);
  const loss = fits ? reuse.loss : new Float64Array(most + 1);
  const hyper = runner.hyper(settings);
  const x = new Float64Array(dim);
  const result: Run = { history, width, dim, steps: 0, loss, divergedAt: -1, firstBelow: -1 };
  runner.init(start, hyper, history);
  for (let k = 0; k <= most; k++) {
    if (k) compiled.step(history, (k - 1) * width, history, k * width, hyper, J);
    for (let d = 0; d < dim; d++) x[d] = history[k * width + d]!;
    const value = J.loss(x);
    // A NaN fails the comparison, so it counts as diverged; so does a point that left the floats.
    if (!(Math.abs(value) <= TOO_LARGE) || !x.every(Number.isFinite)) {
      result.divergedAt = k;
      break;
    }
    loss[k] = value;
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
  runner.compiled.traced(result.history, k * runner.width, next, 0, runner.hyper(settings), J, record);
  return { record, next };
}
