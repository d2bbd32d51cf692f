// Compile a tape (lecopt/trace.py) to a JavaScript function.

import { Emitter, type Program } from "./emit";
import { size, TapeError, type Shape } from "./ops";
import type { Place } from "./values";

export type { Node, Program } from "./emit";
export { TapeError, type Shape } from "./ops";

/** What a step may ask of the objective. */
export interface Evaluator {
  loss(x: Float64Array): number;
  grad(x: Float64Array, out: Float64Array): void;
}

/** Turn emitted lines into a function of the named parameters. */
function assemble<T>(emitter: Emitter, parameters: string, arrays: Record<string, Float64Array>): T {
  const names = [...emitter.buffers.map((_, i) => `B${i}`), ...Object.keys(arrays)];
  const body = `"use strict";return function(${parameters}){${emitter.lines.join("\n")}}`;
  return new Function(...names, body)(...emitter.buffers, ...Object.values(arrays)) as T;
}

export type Data = Readonly<Record<string, { values: Float64Array; shape: Shape }>>;

/** Arrays that an objective's program reads, each with its shape. */
export function dataArrays(data: Readonly<Record<string, unknown>>): Data {
  const entries = Object.entries(data).map(([name, given]) => {
    const shape: number[] = [];
    for (let x = given; Array.isArray(x); x = x[0]) shape.push(x.length);
    const flat = shape.length ? (given as unknown[]).flat(Infinity) : [given];
    return [name, { values: Float64Array.from(flat as number[]), shape }] as const;
  });
  return Object.fromEntries(entries);
}

/** Compile a program of inputs to f(...inputs, out), which writes "value" into `out`. */
export function compile(
  program: Program,
  inputs: Readonly<Record<string, Shape>>,
  data: Data = {},
): { call: (...args: Float64Array[]) => void; shape: Shape } {
  const places: Record<string, Place> = {};
  const names = Object.keys(inputs);
  names.forEach((name, i) => (places[name] = { array: `A${i}`, offset: "0", shape: inputs[name]! }));
  const arrays: Record<string, Float64Array> = {};
  Object.entries(data).forEach(([name, { values, shape }], i) => {
    places[`data.${name}`] = { array: `D${i}`, offset: "0", shape };
    arrays[`D${i}`] = values;
  });
  const emitter = new Emitter(program, places);
  const value = program.out["value"]!;
  emitter.store(value, "out", "0");
  const parameters = [...names.map((_, i) => `A${i}`), "out"].join(",");
  return { call: assemble(emitter, parameters, arrays), shape: emitter.shape(value) };
}

export interface CompiledInit {
  /** Write theta and the state before the first step into `to`. */
  init(theta: Float64Array, hyper: Float64Array, to: Float64Array): void;
  /** The shapes of "theta" and of each field of the state, in the order they are kept. */
  fields: Record<string, Shape>;
}

/** Compile a rule's init, of `dim` parameters. */
export function compileInit(program: Program, dim: number, hyper: readonly string[]): CompiledInit {
  const places: Record<string, Place> = { theta: { array: "S", offset: "0", shape: [dim] } };
  hyper.forEach((name, i) => (places[name] = { array: "H", offset: String(i), shape: [] }));
  const emitter = new Emitter(program, places);
  const fields: Record<string, Shape> = {};
  let at = 0;
  for (const [name, node] of Object.entries(program.out)) {
    emitter.store(node, "T", String(at));
    fields[name] = emitter.shape(node);
    at += size(fields[name]);
  }
  return { init: assemble(emitter, "S,H,T", {}), fields };
}

export interface LocalSlot {
  name: string;
  line: number;
  offset: number;
  size: number;
}

export interface CompiledStep {
  /** Read theta and state from `from` at `o`, write the next ones into `to` at `p`. */
  step(from: Float64Array, o: number, to: Float64Array, p: number, hyper: Float64Array, J: Evaluator): void;
  /** The same, and write the locals into `record`. */
  traced(from: Float64Array, o: number, to: Float64Array, p: number, hyper: Float64Array, J: Evaluator, record: Float64Array): void;
  locals: LocalSlot[];
  /** Where the gradients were asked for, in the record. */
  asked: LocalSlot[];
  recordSize: number;
}

/** Compile a rule's step; `fields` are "theta" and the state's fields, in the order they are kept. */
export function compileStep(
  program: Program,
  fields: Readonly<Record<string, Shape>>,
  hyper: readonly string[],
): CompiledStep {
  const places: Record<string, Place> = {};
  const offsets: Record<string, number> = {};
  let total = 0;
  for (const [name, shape] of Object.entries(fields)) {
    places[name] = { array: "S", offset: `o+${total}`, shape };
    offsets[name] = total;
    total += size(shape);
  }
  hyper.forEach((name, i) => (places[name] = { array: "H", offset: String(i), shape: [] }));
  const write = (emitter: Emitter) => {
    for (const [name, node] of Object.entries(program.out)) {
      const expected = fields[name];
      if (!expected || size(emitter.shape(node)) !== size(expected))
        throw new TapeError(`step returns ${name} of shape (${emitter.shape(node)}), expected (${expected})`);
      emitter.store(node, "T", `p+${offsets[name]}`);
    }
  };
  const fast = new Emitter(program, places);
  write(fast);
  const slow = new Emitter(program, places);
  let at = 0;
  const slot = (name: string, node: number, line: number): LocalSlot => {
    const made = { name, line, offset: at, size: size(slow.shape(node)) };
    slow.store(node, "R", String(at));
    at += made.size;
    return made;
  };
  const locals = (program.locals ?? []).map(([name, node, line]) => slot(name, node, line));
  const asked = slow.outside
    .map((i) => program.nodes[i]!)
    .filter(([op]) => op === "grad")
    .map(([, node]) => slot("", node as number, -1));
  write(slow);
  return {
    step: assemble(fast, "S,o,T,p,H,J", {}),
    traced: assemble(slow, "S,o,T,p,H,J,R", {}),
    locals,
    asked,
    recordSize: at,
  };
}
