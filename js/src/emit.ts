// Write a tape as the body of a JavaScript function.
//
// Arrays of up to UNROLL elements become JavaScript locals, one an element; larger ones live in
// Float64Array buffers, each written once by a loop, and slices of them are views.

import { BINARY, broadcast, FOLDS, rowStrides, size, sliced, spread, TapeError, UNARY, type Shape } from "./ops";

export type Node = readonly [string, ...unknown[]];

export interface Program {
  nodes: readonly Node[];
  out: Readonly<Record<string, number>>;
  locals?: readonly (readonly [string, number, number])[];
  source?: string;
}

/** Where an input lies: an array's name in the generated code, where in it, and its shape. */
export interface Place {
  array: string;
  offset: string;
  shape: Shape;
}

interface Small {
  shape: Shape;
  items: string[];
}
interface Big {
  shape: Shape;
  buffer: string;
  offset: string;
  strides: number[];
}
type Value = Small | Big;

const UNROLL = 32;
const SLICE = ["slice", null, null, null];

/** Writes the body of one function, node by node. */
export class Emitter {
  readonly lines: string[] = [];
  readonly buffers: Float64Array[] = [];
  private readonly values: Value[] = [];
  private count = 0;

  constructor(
    program: Program,
    private readonly places: Readonly<Record<string, Place>>,
  ) {
    program.nodes.forEach((node, i) => {
      try {
        this.values.push(this.node(node));
      } catch (error) {
        throw new TapeError(`tape: node ${i} (${node[0]}): ${(error as Error).message}`);
      }
    });
  }

  shape(node: number): Shape {
    return this.value(node).shape;
  }

  /** Write a node into an array, from `offset` on. */
  store(node: number, array: string, offset: string): void {
    const value = this.value(node);
    if ("items" in value)
      value.items.forEach((item, i) => this.lines.push(`${array}[${offset}+${i}]=${item};`));
    else this.loop(value.shape, `${array}[${offset}+k]`, this.element(value, value.shape));
  }

  scalar(node: number): string {
    const value = this.small(this.value(node));
    if (value.items.length !== 1) throw new TapeError(`expected one number, got (${value.shape})`);
    return value.items[0]!;
  }

  private value(node: unknown): Value {
    const value = this.values[node as number];
    if (!value) throw new TapeError(`no node ${String(node)} before it`);
    return value;
  }

  private node(node: Node): Value {
    const [op, a, b, c] = node;
    if (op === "in") return this.input(String(a));
    if (op === "const") return this.constant(a);
    if (op in UNARY) return this.map([this.value(a)], UNARY[op]!);
    if (op in BINARY) return this.map([this.value(a), this.value(b)], BINARY[op]!);
    if (op === "where")
      return this.map([this.value(a), this.value(b), this.value(c)], (x, y, z) => `(${x}!==0?${y}:${z})`);
    if (op === "get") return this.get(this.value(a), b as unknown[]);
    if (op === "transpose") return this.transpose(this.value(a));
    if (op === "stack") return this.stack((a as unknown[]).map((n) => this.value(n)), Number(b ?? 0));
    if (op in FOLDS) return this.fold(op, this.value(a), b as number | null);
    if (op === "matmul") return this.matmul(this.value(a), this.value(b));
    if (op === "loss") return this.asked(this.value(a), []);
    if (op === "grad") return this.asked(this.value(a), this.value(a).shape);
    throw new TapeError("unknown operation");
  }

  private name(prefix: string): string {
    return `${prefix}${this.count++}`;
  }

  private local(expression: string): string {
    const name = this.name("x");
    this.lines.push(`const ${name}=${expression};`);
    return name;
  }

  private buffer(shape: Shape): Big {
    this.buffers.push(new Float64Array(size(shape)));
    return { shape, buffer: `B${this.buffers.length - 1}`, offset: "0", strides: rowStrides(shape) };
  }

  private input(name: string): Value {
    const place = this.places[name];
    if (!place) throw new TapeError(`no input ${name}; there are ${Object.keys(this.places).join(", ")}`);
    const { array, offset, shape } = place;
    const value: Big = { shape, buffer: array, offset, strides: rowStrides(shape) };
    return size(shape) <= UNROLL ? this.small(value) : value;
  }

  private constant(given: unknown): Value {
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
  private small(value: Value): Small {
    if ("items" in value) return value;
    const flat = spread(value.shape, value.shape);
    const strides = rowStrides(value.shape);
    const items = flat.map((i) => {
      const at = value.strides.reduce((sum, s, d) => sum + s * (Math.floor(i / strides[d]!) % value.shape[d]!), 0);
      return this.local(`${value.buffer}[${value.offset}+${at}]`);
    });
    return { shape: value.shape, items };
  }

  /** A value in a buffer; locals are written out. */
  private big(value: Value): Big {
    if ("buffer" in value) return value;
    const written = this.buffer(value.shape);
    value.items.forEach((item, i) => this.lines.push(`${written.buffer}[${i}]=${item};`));
    return written;
  }

  /** The expression of a value's element inside `loop` over `shape`. */
  private element(value: Value, shape: Shape): string {
    if (size(value.shape) === 1) return this.small(value).items[0]!;
    const { buffer, offset, strides, shape: own } = this.big(value);
    const skip = shape.length - own.length;
    const terms = strides.map((s, d) => (own[d] === 1 ? "0" : `${s}*i${d + skip}`));
    return `${buffer}[${[offset, ...terms].join("+")}]`;
  }

  private loop(shape: Shape, target: string, expression: string): void {
    const heads = shape.map((n, d) => `for(let i${d}=0;i${d}<${n};i${d}++)`).join("");
    this.lines.push(`{let k=0;${heads}{${target}=${expression};k++;}}`);
  }

  private map(args: Value[], write: (...args: string[]) => string): Value {
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

  private get(value: Value, index: unknown[]): Value {
    const source = "items" in value ? rowStrides(value.shape) : value.strides;
    const shape: number[] = [];
    const strides: number[] = [];
    let shift = 0;
    let d = 0;
    for (const part of index) {
      if (part === null) {
        shape.push(1);
        strides.push(0);
        continue;
      }
      const n = value.shape[d];
      if (n === undefined) throw new TapeError(`too many indices for (${value.shape})`);
      const stride = source[d++]!;
      if (typeof part === "number") {
        if (part >= n || part < -n) throw new TapeError(`index ${part} is outside of ${n}`);
        shift += stride * (part < 0 ? part + n : part);
        continue;
      }
      const [first, length, step] = sliced(part as unknown[], n);
      shift += stride * first;
      shape.push(length);
      strides.push(stride * step);
    }
    shape.push(...value.shape.slice(d));
    strides.push(...source.slice(d));
    return this.view(value, shape, strides, shift);
  }

  private transpose(value: Value): Value {
    const strides = "items" in value ? rowStrides(value.shape) : [...value.strides];
    return this.view(value, [...value.shape].reverse(), strides.reverse(), 0);
  }

  private view(value: Value, shape: Shape, strides: number[], shift: number): Value {
    if ("buffer" in value) {
      const view = { shape, strides, buffer: value.buffer, offset: `${value.offset}+${shift}` };
      return size(shape) <= UNROLL ? this.small(view) : view;
    }
    let indices = [shift];
    shape.forEach((n, d) => {
      indices = indices.flatMap((i) => Array.from({ length: n }, (_, k) => i + k * strides[d]!));
    });
    return { shape, items: indices.map((i) => value.items[i]!) };
  }

  private stack(parts: Value[], axis: number): Value {
    const inner = broadcast(parts.map((v) => v.shape));
    const at = axis < 0 ? axis + inner.length + 1 : axis;
    const shape = [...inner.slice(0, at), parts.length, ...inner.slice(at)];
    const strides = rowStrides(shape);
    if (size(shape) <= UNROLL) {
      const lists = parts.map((v) => this.small(v).items);
      const items = Array.from({ length: size(shape) }, (_, k) => {
        const j = Math.floor(k / strides[at]!) % parts.length;
        const outer = Math.floor(k / (strides[at]! * parts.length));
        return lists[j]![outer * strides[at]! + (k % strides[at]!)]!;
      });
      return { shape, items };
    }
    const result = this.buffer(shape);
    const own = strides.filter((_, d) => d !== at);
    parts.forEach((v, j) => {
      const target = [`${j * strides[at]!}`, ...own.map((s, d) => `${s}*i${d}`)].join("+");
      this.loop(inner, `${result.buffer}[${target}]`, this.element(v, inner));
    });
    return result;
  }

  private fold(op: string, value: Value, axis: number | null | undefined): Value {
    const { start, add } = FOLDS[op]!;
    const rank = value.shape.length;
    const over = axis == null ? value.shape.map((_, d) => d) : [axis < 0 ? axis + rank : axis];
    if (over.some((d) => d >= rank || d < 0)) throw new TapeError(`no axis ${axis} in (${value.shape})`);
    const kept = value.shape.map((_, d) => d).filter((d) => !over.includes(d));
    const shape = kept.map((d) => value.shape[d]!);
    const count = size(value.shape) / size(shape);
    const finish = (x: string) => (op === "mean" ? `(${x})/${count}` : x);
    if ("items" in value) {
      const strides = rowStrides(value.shape);
      const moved = this.view(value, [...shape, ...over.map((d) => value.shape[d]!)], [...kept, ...over].map((d) => strides[d]!), 0) as Small;
      const items = Array.from({ length: size(shape) }, (_, k) =>
        this.local(finish(moved.items.slice(k * count, (k + 1) * count).reduce((a, b) => add(a, b), start))),
      );
      return { shape, items };
    }
    const result = this.buffer(shape);
    const strides = rowStrides(shape);
    const target = `${result.buffer}[${kept.map((d, j) => `${strides[j]}*i${d}`).join("+") || "0"}]`;
    this.lines.push(`${result.buffer}.fill(${start});`);
    this.loop(value.shape, target, add(target, this.element(value, value.shape)));
    if (op === "mean") this.loop(shape, `${result.buffer}[k]`, finish(`${result.buffer}[k]`));
    return size(shape) <= UNROLL ? this.small(result) : result;
  }

  private matmul(a: Value, b: Value): Value {
    const left = a.shape.length === 1 ? this.get(a, [null]) : a;
    const right = b.shape.length === 1 ? this.get(b, [["slice", null, null, null], null]) : b;
    const n = left.shape[1];
    const n2 = right.shape[0];
    if (left.shape.length !== 2 || right.shape.length !== 2 || n !== n2)
      throw new TapeError(`shapes (${a.shape}) and (${b.shape}) do not fit`);
    const rows = this.get(left, [SLICE, null, SLICE]);
    const columns = this.get(this.transpose(right), [null, SLICE, SLICE]);
    const product = this.fold("sum", this.map([rows, columns], BINARY["mul"]!), 2);
    const index = [...(a.shape.length === 1 ? [0] : [SLICE]), ...(b.shape.length === 1 ? [0] : [SLICE])];
    return this.get(product, index);
  }

  /** Ask the objective for its loss (shape ()) or its gradient (the shape of x). */
  private asked(x: Value, shape: Shape): Value {
    const point = this.big("items" in x ? x : this.map([x], (a) => a));
    if (shape.length === 0) return { shape, items: [this.local(`J.loss(${point.buffer})`)] };
    const result = this.buffer(shape);
    this.lines.push(`J.grad(${point.buffer},${result.buffer});`);
    return size(shape) <= UNROLL ? this.small(result) : result;
  }
}
