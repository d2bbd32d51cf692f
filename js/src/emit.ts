// Write a tape as the body of a JavaScript function, node by node; see lecopt/trace.py.

import { BINARY, FOLDS, rowStrides, size, sliced, TapeError, UNARY, type Shape } from "./ops";
import { spots, stridesOf, UNROLL, Writer, type Big, type Place, type Small, type Value } from "./values";

export type Node = readonly [string, ...unknown[]];

export interface Program {
  nodes: readonly Node[];
  out: Readonly<Record<string, number>>;
  locals?: readonly (readonly [string, number, number])[];
  source?: string;
}

const ALL = ["slice", null, null, null];

export class Emitter extends Writer {
  /** The nodes that are no part of a loop. */
  readonly outside: number[] = [];
  private readonly values: (Value | null)[] = [];
  private readonly loops: number[] = [];

  constructor(
    program: Program,
    private readonly places: Readonly<Record<string, Place>>,
  ) {
    super();
    program.nodes.forEach((node, i) => {
      try {
        const value = this.node(node, i);
        this.values.push(value);
        if (!this.loops.length) this.outside.push(i);
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
    if ("items" in value) value.items.forEach((item, i) => this.lines.push(`${array}[${offset}+${i}]=${item};`));
    else this.loop(value.shape, `${array}[${offset}+k]`, this.element(value, value.shape));
  }

  private value(node: unknown): Value {
    const value = this.values[node as number];
    if (!value) throw new TapeError(`no node ${String(node)} before it`);
    return value;
  }

  private scalar(node: unknown): string {
    const value = this.small(this.value(node));
    if (value.items.length !== 1) throw new TapeError(`expected one number, got (${value.shape})`);
    return value.items[0]!;
  }

  private node([op, a, b, c]: Node, index: number): Value {
    const list = () => (a as unknown[]).map((n) => this.value(n));
    if (op === "in") return this.input(String(a));
    if (op === "const") return this.constant(a);
    if (op in UNARY) return this.map([this.value(a)], UNARY[op]!);
    if (op in BINARY) return this.map([this.value(a), this.value(b)], BINARY[op]!);
    if (op === "where")
      return this.map([this.value(a), this.value(b), this.value(c)], (x, y, z) => `(${x}!==0?${y}:${z})`);
    if (op === "get") return this.get(this.value(a), b as unknown[]);
    if (op === "set") return this.set(this.value(a), b as unknown[], this.value(c));
    if (op === "reshape") return this.reshape(this.value(a), b as Shape);
    if (op === "transpose") return this.transpose(this.value(a), b as number[] | undefined);
    if (op === "stack") {
      const rank = this.value((a as number[])[0]).shape.length + 1;
      const at = (Number(b) + rank) % rank;
      const index = Array.from({ length: rank }, (_, d) => (d === at ? null : ALL));
      return this.concat(list().map((v) => this.get(v, index)), at);
    }
    if (op === "concat") return this.concat(list(), Number(b));
    if (op in FOLDS) return this.fold(op, this.value(a), b as number | null);
    if (op === "matmul") return this.matmul(this.value(a), this.value(b));
    if (op === "loss") return this.asked(this.value(a), []);
    if (op === "grad") return this.asked(this.value(a), this.value(a).shape);
    if (op === "candidate") return this.begin(this.value(a), Number(b), index);
    if (op === "until") {
      this.lines.push(`if(${this.scalar(a)}!==0)break;`);
      return this.value(a);
    }
    if (op === "first") return this.end(a as number, this.value(c));
    throw new TapeError("unknown operation");
  }

  private input(name: string): Value {
    const place = this.places[name];
    if (!place) throw new TapeError(`no input ${name}; there are ${Object.keys(this.places).join(", ")}`);
    const { array, offset, shape } = place;
    return this.fit({ shape, buffer: array, offset, strides: rowStrides(shape) });
  }

  /** Begin the loop of a search; its candidate is kept in variables. */
  private begin(start: Value, tries: number, index: number): Value {
    const { shape, items } = this.small(start);
    const names = items.map(() => this.name());
    names.forEach((name, i) => this.lines.push(`let ${name}=${items[i]};`));
    this.lines.push(`for(let n${index}=0;n${index}<${tries};n${index}++){`);
    this.loops.push(index);
    return { shape, items: names };
  }

  /** End the body of the loop; the values in it are out of reach from here. */
  private end(candidate: number, after: Value): Value {
    const x = this.value(candidate) as Small;
    const next = this.small(after).items.map((item) => this.local(item));
    x.items.forEach((name, i) => this.lines.push(`${name}=${next[i]};`));
    this.lines.push("}");
    this.values.fill(null, this.loops.pop());
    return x;
  }

  /** Shape, strides and first element of a part of a value. */
  private part(value: Value, index: unknown[]): [number[], number[], number] {
    const source = stridesOf(value);
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
    return [[...shape, ...value.shape.slice(d)], [...strides, ...source.slice(d)], shift];
  }

  private get(value: Value, index: unknown[]): Value {
    return this.view(value, ...this.part(value, index));
  }

  private set(value: Value, index: unknown[], by: Value): Value {
    if ("items" in value) {
      const [shape, strides, shift] = this.part(value, index);
      const full = this.small(this.map([by, { shape, items: Array(size(shape)).fill("0") }], (x) => x));
      const items = [...value.items];
      spots(shape, strides, shift).forEach((at, k) => (items[at] = full.items[k]!));
      return { shape: value.shape, items };
    }
    const copied = this.fill(value, this.buffer(value.shape));
    const [shape, strides, shift] = this.part(copied, index);
    const target = { shape, strides, buffer: copied.buffer, offset: String(shift) };
    this.loop(shape, this.at(target), this.element(by, shape));
    return copied;
  }

  private transpose(value: Value, axes = value.shape.map((_, d) => d).reverse()): Value {
    const strides = stridesOf(value);
    return this.view(value, axes.map((d) => value.shape[d]!), axes.map((d) => strides[d]!), 0);
  }

  private concat(parts: Value[], axis: number): Value {
    const first = parts[0]!.shape;
    const at = axis < 0 ? axis + first.length : axis;
    const shape = first.map((n, d) => (d === at ? parts.reduce((sum, v) => sum + v.shape[d]!, 0) : n));
    for (const v of parts)
      if (v.shape.length !== first.length || v.shape.some((n, d) => d !== at && n !== first[d]))
        throw new TapeError(`shapes (${first}) and (${v.shape}) do not fit`);
    const strides = rowStrides(shape);
    let shift = 0;
    if (size(shape) <= UNROLL) {
      const items: string[] = Array(size(shape));
      for (const v of parts) {
        const own = this.small(v).items;
        spots(v.shape, strides, shift).forEach((to, k) => (items[to] = own[k]!));
        shift += strides[at]! * v.shape[at]!;
      }
      return { shape, items };
    }
    const result = this.buffer(shape);
    for (const v of parts) {
      this.fill(v, { ...result, shape: v.shape, offset: String(shift) });
      shift += strides[at]! * v.shape[at]!;
    }
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
      const moved = this.transpose(value, [...kept, ...over]) as Small;
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
    return this.fit(result);
  }

  private matmul(a: Value, b: Value): Value {
    const left = a.shape.length === 1 ? this.get(a, [null]) : a;
    const right = b.shape.length === 1 ? this.get(b, [ALL, null]) : b;
    const [m, n] = left.shape as [number, number];
    const [n2, p] = right.shape as [number, number];
    if (left.shape.length !== 2 || right.shape.length !== 2 || n !== n2)
      throw new TapeError(`shapes (${a.shape}) and (${b.shape}) do not fit`);
    const index = [a.shape.length === 1 ? 0 : ALL, b.shape.length === 1 ? 0 : ALL];
    if (m * n * p <= UNROLL) {
      const product = this.map([this.get(left, [ALL, ALL, null]), this.get(right, [null, ALL, ALL])], BINARY["mul"]!);
      return this.get(this.fold("sum", product, 1), index);
    }
    const [x, y, result] = [this.big(left), this.big(right), this.buffer([m, p])];
    const term = `${this.at(x, (d) => "ik"[d]!)}*${this.at(y, (d) => "kj"[d]!)}`;
    this.lines.push(
      `for(let i=0;i<${m};i++)for(let j=0;j<${p};j++){let s=0;for(let k=0;k<${n};k++)s+=${term};${result.buffer}[i*${p}+j]=s;}`,
    );
    return this.get(this.fit(result), index);
  }

  /** Ask the objective for its loss (shape ()) or its gradient (the shape of x). */
  private asked(x: Value, shape: Shape): Value {
    const point: Big = this.packed(x);
    if (shape.length === 0) return { shape, items: [this.local(`J.loss(${point.buffer})`)] };
    const result = this.buffer(shape);
    this.lines.push(`J.grad(${point.buffer},${result.buffer});`);
    return this.fit(result);
  }
}
