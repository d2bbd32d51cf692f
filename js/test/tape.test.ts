import { describe, expect, it } from "vitest";
import { compile, compileStep, TapeError, type Node } from "../src/tape";

function value(nodes: Node[], inputs: Record<string, number[] | number>): number[] {
  const shapes = Object.fromEntries(Object.entries(inputs).map(([k, v]) => [k, Array.isArray(v) ? [v.length] : []]));
  const compiled = compile({ nodes, out: { value: nodes.length - 1 } }, shapes);
  const out = new Float64Array(compiled.shape.reduce((a, b) => a * b, 1));
  compiled.call(...Object.values(inputs).map((v) => Float64Array.from([v].flat())), out);
  return [...out];
}

describe("compile", () => {
  it("broadcasts a column against a row", () => {
    const outer: Node[] = [["in", "a"], ["get", 0, [["slice", null, null, null], null]], ["mul", 1, 0], ["sum", 2, 1]];
    expect(value(outer, { a: [1, 2, 3] })).toEqual([6, 12, 18]);
  });

  it("does the same in loops where the data are many", () => {
    const a = Array.from({ length: 50 }, (_, i) => i);
    const outer: Node[] = [["in", "a"], ["get", 0, [["slice", null, null, null], null]], ["mul", 1, 0], ["sum", 2, 1]];
    expect(value(outer, { a })).toEqual(a.map((x) => x * 1225));
  });

  it("slices from the end and backwards", () => {
    expect(value([["in", "a"], ["get", 0, [["slice", null, null, -2]]]], { a: [1, 2, 3, 4, 5] })).toEqual([5, 3, 1]);
    expect(value([["in", "a"], ["get", 0, [-1]]], { a: [1, 2, 3] })).toEqual([3]);
  });

  it("takes numbers that JSON lacks as text", () => {
    expect(value([["in", "a"], ["const", "-Infinity"], ["max", 0, 1]], { a: 3 })).toEqual([3]);
  });

  it("treats truth as 0 and 1", () => {
    const nodes: Node[] = [["in", "a"], ["const", 2], ["gt", 0, 1], ["const", 10], ["where", 2, 3, 0]];
    expect(value(nodes, { a: [1, 2, 3] })).toEqual([1, 2, 10]);
  });

  it("leaves a search with the first that passes, and looks at no more", () => {
    const search = (tries: number): Node[] => [["in", "a"], ["const", 3], ["candidate", 0, tries], ["le", 2, 1], ["until", 3], ["const", 0.5], ["mul", 2, 5], ["first", 2, 3, 6]];
    expect(value(search(9), { a: 10 })).toEqual([2.5]);
    expect(value(search(1), { a: 10 })).toEqual([5]);
    expect(value(search(9), { a: 2 })).toEqual([2]);
    const outside = [...search(9), ["add", 7, 6]] as Node[];
    expect(() => value(outside, { a: 10 })).toThrow(/node 8 \(add\): no node 6 before it/);
  });

  it("puts numbers into a copy", () => {
    const every = ["slice", null, null, 2];
    const nodes: Node[] = [["in", "a"], ["const", 7], ["set", 0, [every], 1], ["concat", [2, 0], 0]];
    expect(value(nodes, { a: [1, 2, 3] })).toEqual([7, 2, 7, 1, 2, 3]);
    const many = Array.from({ length: 40 }, (_, i) => i);
    const odd = many.map((x) => (x % 2 ? x : 7));
    expect(value(nodes, { a: many })).toEqual([...odd, ...many]);
  });

  it.each([[0.5, 0], [1.5, 2], [-2.5, -2], [-0.4, -0], [1e300, 1e300]])("rounds %f to the even %f", (a, expected) => {
    expect(value([["in", "a"], ["rint", 0]], { a })[0]! + 0).toBe(expected + 0);
  });

  it.each([[5, 3, 2], [-5, 3, 1], [5, -3, -1], [-5, -3, -2], [6, 3, 0]])("takes %f modulo %f as Python does", (a, b, rest) => {
    expect(value([["in", "a"], ["const", b], ["mod", 0, 1]], { a })[0]! + 0).toBe(rest);
  });

  it("multiplies a matrix by a vector", () => {
    const nodes: Node[] = [["const", [[1, 2], [3, 4], [5, 6]]], ["in", "a"], ["matmul", 0, 1]];
    expect(value(nodes, { a: [1, 10] })).toEqual([21, 43, 65]);
  });

  it.each([
    [[["in", "b"]], /node 0 \(in\): no input b/],
    [[["in", "a"], ["erf", 0]], /node 1 \(erf\): unknown operation/],
    [[["in", "a"], ["const", [1, 2]], ["add", 0, 1]], /node 2 \(add\): shapes \(3\) and \(2\) do not fit/],
    [[["in", "a"], ["get", 0, [5]]], /node 1 \(get\): index 5 is outside of 3/],
    [[["in", "a"], ["sum", 0, 2]], /node 1 \(sum\): no axis 2/],
    [[["in", "a"], ["matmul", 0, 9]], /node 1 \(matmul\): no node 9/],
  ] as [Node[], RegExp][])("names the operation that is wrong", (nodes, message) => {
    expect(() => compile({ nodes, out: { value: 0 } }, { a: [3] })).toThrow(message);
    expect(() => compile({ nodes, out: { value: 0 } }, { a: [3] })).toThrow(TapeError);
  });
});

describe("compileStep", () => {
  it("refuses a step that returns another shape", () => {
    const program = { nodes: [["in", "theta"], ["sum", 0, null]] as Node[], out: { theta: 1 } };
    expect(() => compileStep(program, { theta: [2] }, [])).toThrow(/step returns theta of shape \(\), expected \(2\)/);
  });
});
