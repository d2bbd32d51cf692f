// Numbers as text, with a real minus sign.

const minus = (text: string): string => text.replace(/-/g, "−");

/** Four digits, in powers of ten where that is shorter to read. */
export function number(x: number, digits = 4): string {
  if (Number.isNaN(x)) return "not a number";
  if (!Number.isFinite(x)) return x > 0 ? "∞" : "−∞";
  if (x === 0) return "0";
  const size = Math.abs(x);
  if (size >= 1e5 || size < 1e-3) return minus(x.toExponential(digits - 2).replace("e+", "e"));
  return minus(x.toPrecision(digits));
}

/** As few digits as say the same to `digits` digits: 0.1, 30, 1e−8. */
export function short(x: number, digits = 4): string {
  const rounded = Number(x.toPrecision(digits));
  const size = Math.abs(rounded);
  if (size !== 0 && (size < 1e-3 || size >= 1e5)) return minus(rounded.toExponential().replace("e+", "e"));
  return minus(String(rounded));
}

/** Fixed digits for a coordinate. */
export const fixed = (x: number, digits = 2): string => minus(x.toFixed(digits));

export const point = (p: readonly number[], digits = 2): string =>
  `(${p.map((x) => fixed(x, digits)).join(", ")})`;

/** What a reader types: −2, -2, 1e-3, 1,5. */
export const parse = (text: string): number =>
  text.trim() === "" ? NaN : Number(text.trim().replace(/−/g, "-").replace(",", "."));
