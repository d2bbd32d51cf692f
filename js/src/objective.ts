// The loss of a scene and its gradient, on all rows of its data or on some.

import { size } from "./ops";
import type { ObjectivePart } from "./scene";
import { compile, dataArrays, type Data, type Evaluator } from "./tape";

type Programs = Pick<ObjectivePart, "loss"> & Partial<Pick<ObjectivePart, "grad" | "data" | "sizes">>;
type Call = (x: Float64Array, out: Float64Array) => void;

/** A loss and its gradient, compiled. */
export class Objective implements Evaluator {
  private readonly lossOf: Call;
  private readonly gradOf: Call;
  private readonly out = new Float64Array(1);
  private readonly point = new Float64Array(2);
  private readonly batches = new Map<number, Objective>();

  constructor(
    private readonly part: Programs,
    private readonly dim = 2,
    private readonly data = dataArrays(part.data ?? {}),
  ) {
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

  /** The same on some rows of the data; it holds until as many rows are asked for again. */
  on(rows: readonly number[]): Evaluator {
    const n = rows.length;
    let batch = this.batches.get(n);
    if (!batch) {
      const empty = ({ shape: [, ...row] }: Data[string]) => ({ values: new Float64Array(n * size(row)), shape: [n, ...row] });
      const data = Object.fromEntries(Object.entries(this.data).map(([name, all]) => [name, empty(all)]));
      batch = new Objective({ ...this.part, ...this.part.sizes?.[n] }, this.dim, data);
      this.batches.set(n, batch);
    }
    for (const [name, { values }] of Object.entries(batch.data)) {
      const width = values.length / n;
      const all = this.data[name]!.values;
      rows.forEach((row, i) => values.set(all.subarray(row * width, (row + 1) * width), i * width));
    }
    return batch;
  }
}

/** An objective that counts how often it is asked. */
export class Counted implements Evaluator {
  losses = 0;
  grads = 0;
  of!: Evaluator;

  loss(x: Float64Array): number {
    this.losses++;
    return this.of.loss(x);
  }

  grad(x: Float64Array, out: Float64Array): void {
    this.grads++;
    this.of.grad(x, out);
  }
}
