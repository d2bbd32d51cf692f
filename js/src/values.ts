// The values of a tape in the JavaScript that is being written, and how to get at their elements.
//
// Arrays of up to UNROLL elements become JavaScript locals, one an element; larger ones live in
// Float64Array buffers, each written once by a loop, and slices of them are views.

import { broadcast, rowStrides, size, spread, type Shape } from "./ops";

/** Where an input lies: an array's name in the generated code, where in it, and its shape. */
export interface Place {
  array: string;
  offset: string;
  shape: Shape;
}

export interface Small {
  shape: Shape;
  items: string[];
}
export interface Big {
  shape: Shape;
  buffer: string;
  offset: string;
  strides: readonly number[];
}
export type Value = Small | Big;

export const UNROLL = 32;

export const stridesOf = (value: Value): readonly number[] =>
  "items" in value ? rowStrides(value.shape) : value.strides;

/** Where each element of a view lies, by its shape, its strides and its first element. */
export function spots(shape: Shape, strides: readonly number[], first: number): number[] {
  let indices = [first];
  shape.forEach((n, d) => {
    indices = indices.flatMap((i) => Array.from({ length: n }, (_, k) => i + k * strides[d]!));
  });
  return indices;
}

/** Writes lines of code that compute values. */
export class Writer {
  readonly lines: string[] = [];
  readonly buffers: Float64Array[] = [];
  private count = 0;

  protected name(): string {
    return `x${this.count++}`;
  }

  protected local(expression: string): string {
    const name = this.name();
    this.lines.push(`const ${name}=${expression};`);
    return name;
  }

  protected buffer(shape: Shape): Big {
    this.buffers.push(new Float64Array(size(shape)));
    return { shape, buffer: `B${this.buffers.length - 1}`, offset: "0", strides: rowStrides(shape) };
  }

  protected constant(given: unknown): Value {
    const shape: number[] = [];
    for (let x = given; Array.isArray(x); x = x[0]) shape.push(x.length);
    // Numbers that JSON lacks come as text: "NaN", "Infinity".
    const numbers = (shape.length ? (given as unknown[]).flat(Infinity) : [given]).map(Number);
    if (numbers.length <= UNROLL) return { shape, items: numbers.map((x) => (x < 0 ? `(${x})` : String(x))) };
    const value = this.buffer(shape);
    this.buffers[this.buffers.length - 1]!.set(numbers);
    return value;
  }

  /** A value as locals; views are read out. */
  protected small(value: Value): Small {
    if ("items" in value) return value;
    const items = spots(value.shape, value.strides, 0).map((at) => this.local(`${value.buffer}[${value.offset}+${at}]`));
    return { shape: value.shape, items };
  }

  /** A value in a buffer; locals are written out. */
  protected big(value: Value): Big {
    if ("buffer" in value) return value;
    const written = this.buffer(value.shape);
    value.items.forEach((item, i) => this.lines.push(`${written.buffer}[${i}]=${item};`));
    return written;
  }

  /** Locals where the elements are few, for what was computed in a buffer. */
  protected fit(value: Big): Value {
    return size(value.shape) <= UNROLL ? this.small(value) : value;
  }

  /** A value in a buffer of its own, its elements in order. */
  protected packed(value: Value): Big {
    return this.big("items" in value ? value : this.fill(value, this.buffer(value.shape)));
  }

  /** Copy a value, element by element, to another place of its shape. */
  protected fill(value: Value, target: Big): Big {
    this.loop(value.shape, this.at(target), this.element(value, value.shape));
    return target;
  }

  /** The expression of a value's element inside `loop` over `shape`. */
  protected element(value: Value, shape: Shape): string {
    if (size(value.shape) === 1) return this.small(value).items[0]!;
    const big = this.big(value);
    const skip = shape.length - big.shape.length;
    return this.at(big, (d) => (big.shape[d] === 1 ? "0" : `i${d + skip}`));
  }

  /** The expression of a buffer's element, at an index for each axis. */
  protected at({ buffer, offset, strides }: Big, index = (d: number) => `i${d}`): string {
    return `${buffer}[${[offset, ...strides.map((s, d) => `${s}*${index(d)}`)].join("+")}]`;
  }

  protected loop(shape: Shape, target: string, expression: string): void {
    const heads = shape.map((n, d) => `for(let i${d}=0;i${d}<${n};i${d}++)`).join("");
    this.lines.push(`{let k=0;${heads}{${target}=${expression};k++;}}`);
  }

  protected map(args: Value[], write: (...args: string[]) => string): Value {
    const shape = broadcast(args.map((v) => v.shape));
    if (size(shape) <= UNROLL) {
      const items = args.map((v) => this.small(v).items);
      const indices = args.map((v) => spread(v.shape, shape));
      const each = Array.from({ length: size(shape) }, (_, k) =>
        this.local(write(...items.map((list, j) => list[indices[j]![k]!]!))),
      );
      return { shape, items: each };
    }
    const elements = args.map((v) => this.element(v, shape));
    const result = this.buffer(shape);
    this.loop(shape, `${result.buffer}[k]`, write(...elements));
    return result;
  }

  protected view(value: Value, shape: Shape, strides: readonly number[], shift: number): Value {
    if ("buffer" in value)
      return this.fit({ shape, strides, buffer: value.buffer, offset: `${value.offset}+${shift}` });
    return { shape, items: spots(shape, strides, shift).map((i) => value.items[i]!) };
  }

  protected reshape(value: Value, shape: Shape): Value {
    if ("items" in value) return { shape, items: value.items };
    return { ...this.packed(value), shape, strides: rowStrides(shape) };
  }
}
