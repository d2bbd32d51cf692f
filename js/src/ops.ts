// The operations of a tape as JavaScript expressions, and the shapes of their results.

export type Shape = readonly number[];

export class TapeError extends Error {}

const EVEN = 2 ** 52;

export const UNARY: Record<string, (a: string) => string> = {
  neg: (a) => `-(${a})`,
  not: (a) => `(${a}===0?1:0)`,
  // Halves to the even neighbour, as NumPy; beyond 2^52 every float is whole.
  rint: (a) => `(Math.abs(${a})<${EVEN}?${a}<0?${a}-${EVEN}+${EVEN}:${a}+${EVEN}-${EVEN}:${a})`,
};
const MATH =
  "exp log log2 log10 log1p expm1 sqrt cbrt abs sign floor ceil trunc sin cos tan asin acos atan sinh cosh tanh asinh acosh atanh";
for (const name of MATH.split(" ")) UNARY[name] = (a) => `Math.${name}(${a})`;

export const BINARY: Record<string, (a: string, b: string) => string> = {
  and: (a, b) => `(${a}!==0&&${b}!==0?1:0)`,
  or: (a, b) => `(${a}!==0||${b}!==0?1:0)`,
  // The sign of b, as in Python; JavaScript's % has that of a.
  mod: (a, b) => `(${a}%${b}<0!==${b}<0&&${a}%${b}!==0?${a}%${b}+${b}:${a}%${b})`,
};
for (const name of ["pow", "max", "min", "atan2", "hypot"]) BINARY[name] = (a, b) => `Math.${name}(${a},${b})`;
for (const [name, sign] of Object.entries({ add: "+", sub: "-", mul: "*", div: "/" }))
  BINARY[name] = (a, b) => `(${a})${sign}(${b})`;
const COMPARISONS = { lt: "<", le: "<=", gt: ">", ge: ">=", eq: "===", ne: "!==" };
for (const [name, sign] of Object.entries(COMPARISONS))
  BINARY[name] = (a, b) => `(${a}${sign}${b}?1:0)`;

export const FOLDS: Record<string, { start: string; add: (a: string, b: string) => string }> = {
  sum: { start: "0", add: (a, b) => `${a}+${b}` },
  prod: { start: "1", add: (a, b) => `${a}*${b}` },
  mean: { start: "0", add: (a, b) => `${a}+${b}` },
  amax: { start: "-Infinity", add: (a, b) => `Math.max(${a},${b})` },
  amin: { start: "Infinity", add: (a, b) => `Math.min(${a},${b})` },
};

export const size = (shape: Shape): number => shape.reduce((n, d) => n * d, 1);

export function rowStrides(shape: Shape): number[] {
  const strides = new Array<number>(shape.length);
  for (let d = shape.length - 1, n = 1; d >= 0; n *= shape[d--]!) strides[d] = n;
  return strides;
}

export function broadcast(shapes: Shape[]): Shape {
  const rank = Math.max(...shapes.map((s) => s.length));
  return Array.from({ length: rank }, (_, d) => {
    const sides = shapes.map((s) => s[d - rank + s.length] ?? 1).filter((n) => n !== 1);
    if (new Set(sides).size > 1)
      throw new TapeError(`shapes ${shapes.map((s) => `(${s})`).join(" and ")} do not fit`);
    return sides[0] ?? 1;
  });
}

/** The flat index into `from`, for each element of `to`, which `from` is broadcast to. */
export function spread(from: Shape, to: Shape): number[] {
  const strides = rowStrides(from);
  const skip = to.length - from.length;
  let indices = [0];
  to.forEach((n, d) => {
    const stride = d < skip || from[d - skip] === 1 ? 0 : strides[d - skip]!;
    indices = indices.flatMap((i) => Array.from({ length: n }, (_, k) => i + k * stride));
  });
  return indices;
}

/** First index, number of elements and step of a Python slice of n elements. */
export function sliced([, start, stop, by]: unknown[], n: number): [number, number, number] {
  const step = (by as number | null) ?? 1;
  const clip = (x: unknown, otherwise: number) => {
    if (x === null || x === undefined) return otherwise;
    const i = (x as number) < 0 ? (x as number) + n : (x as number);
    return step > 0 ? Math.min(Math.max(i, 0), n) : Math.min(Math.max(i, -1), n - 1);
  };
  const first = clip(start, step > 0 ? 0 : n - 1);
  const last = clip(stop, step > 0 ? n : -1);
  return [first, Math.max(0, Math.ceil((last - first) / step)), step];
}
