// Hyper-parameters that change with the steps: a schedule is a program of t, and of the loss if it watches.

import { size } from "./ops";
import type { SchedulePart } from "./scene";
import { compileInit, compileStep, type CompiledStep, type Evaluator } from "./tape";

const NOTHING: Evaluator = { loss: () => NaN, grad: () => {} };

/** What a rule's schedules remember: for each its last value, and the fields of its state. */
export class Schedules {
  readonly width: number;
  /** Whether one of them looks at the loss. */
  readonly watches: boolean;
  private readonly each: { at: number; step: CompiledStep["step"]; init: (to: Float64Array) => void }[] = [];
  private readonly seen = new Float64Array(2);

  constructor(readonly parts: readonly SchedulePart[]) {
    let at = 0;
    for (const part of parts) {
      const { init, fields } = compileInit(part.init, 0, []);
      const { step } = compileStep(part.step, { value: [], ...fields }, ["t", "loss"]);
      this.each.push({ at, step, init: (to) => init(NO_THETA, NO_THETA, to) });
      at += 1 + Object.values(fields).reduce((n, shape) => n + size(shape), 0);
    }
    this.width = at;
    this.watches = parts.some((part) => Object.keys(part.init.out).length > 0);
  }

  init(into: Float64Array, at: number): void {
    for (const one of this.each) one.init(into.subarray(at + one.at + 1));
  }

  /** Write the memory after step t to `to`, and the values for that step to `hyper`, from `first` on. */
  step(from: Float64Array, o: number, to: Float64Array, p: number, t: number, loss: number, hyper: Float64Array, first: number): void {
    this.seen[0] = t;
    this.seen[1] = loss;
    this.each.forEach(({ at, step }, i) => {
      step(from, o + at, to, p + at, this.seen, NOTHING);
      hyper[first + i] = to[p + at]!;
    });
  }
}

const NO_THETA = new Float64Array(0);
