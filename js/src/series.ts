// Run a traced rule in one dimension on gradients that are given, one a step.

import { Runner } from "./run";
import type { RulePart } from "./scene";

/** The values of "theta" or of a state's field after each step. */
export function series(
  part: RulePart,
  settings: Readonly<Record<string, number>>,
  gradients: ArrayLike<number>,
  wanted: readonly string[],
): Record<string, Float64Array> {
  const runner = new Runner(part, 1);
  const fields = Object.keys(runner.fields);
  const state = new Float64Array(runner.width);
  const hyper = runner.hyper(settings);
  const result = Object.fromEntries(wanted.map((name) => [name, new Float64Array(gradients.length)]));
  let now = 0;
  const given = {
    loss: () => 0,
    grad: (_: Float64Array, out: Float64Array) => {
      out[0] = gradients[now]!;
    },
  };
  runner.init([0], hyper, state);
  for (; now < gradients.length; now++) {
    runner.compiled.step(state, 0, state, 0, hyper, given);
    for (const name of wanted) result[name]![now] = state[fields.indexOf(name === "theta" ? name : `state.${name}`)]!;
  }
  return result;
}
