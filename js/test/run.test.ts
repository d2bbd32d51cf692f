import { describe, expect, it } from "vitest";
import { Objective } from "../src/objective";
import { moment, run, Runner } from "../src/run";
import { series } from "../src/series";
import type { Node } from "../src/tape";
import { niceFactor } from "../src/vectors";
import { byHand, momentum, neuron } from "./programs";

const J = new Objective(neuron);
const runner = new Runner(momentum, 2);
const start: [number, number] = [-2, -2];

describe("run", () => {
  it("walks where momentum walks by hand", () => {
    const result = run(runner, J, start, {}, 100, 1e-5);
    const [w, b] = byHand(start, 1, 0.9, 100);
    expect(result.history[100 * result.width]).toBeCloseTo(w, 12);
    expect(result.history[100 * result.width + 1]).toBeCloseTo(b, 12);
  });

  it("says when the loss is first below the target", () => {
    expect(run(runner, J, start, {}, 400, 1e-5).firstBelow).toBe(164);
    expect(run(runner, J, start, {}, 100, 1e-5).firstBelow).toBe(-1);
  });

  it("takes the settings of the sliders", () => {
    const result = run(runner, J, start, { eta: 0.5, gamma: 0.5 }, 20, 1e-5);
    expect(result.history[20 * result.width]).toBeCloseTo(byHand(start, 0.5, 0.5, 20)[0], 12);
  });

  it("spends no more than the budget", () => {
    let asked = 0;
    const counting = { loss: (x: Float64Array) => J.loss(x), grad: (x: Float64Array, out: Float64Array) => (asked++, J.grad(x, out)) };
    expect(run(runner, counting, start, {}, 37, 1e-5).steps).toBe(37);
    expect(asked).toBe(37);
  });

  it("pays for every gradient that a step asks for", () => {
    const program = { ...momentum.program, nodes: [...momentum.program.nodes, ["grad", 8] as const] };
    expect(new Runner({ ...momentum, program }, 2).stepsFor(100)).toBe(50);
  });

  it("stops where it diverges and keeps the last good point", () => {
    const bowl = { loss: (x: Float64Array) => 5 * x[0]! ** 2, grad: (x: Float64Array, out: Float64Array) => void (out[0] = 10 * x[0]!, (out[1] = 0)) };
    const result = run(runner, bowl, [1, 0], { eta: 1, gamma: 0 }, 100, 1e-5);
    expect(result.divergedAt).toBe(6);
    expect(result.steps).toBe(5);
    expect(result.loss[5]).toBeLessThan(1e12);
  });

  it("counts NaN as divergence", () => {
    const hole = { loss: () => NaN, grad: (_: Float64Array, out: Float64Array) => void out.fill(0) };
    expect(run(runner, hole, start, {}, 10, 1e-5).divergedAt).toBe(0);
  });

  it("uses its arrays again, and finds the same", () => {
    const first = run(runner, J, start, {}, 50, 1e-5);
    const copy = first.history.slice();
    const again = run(runner, J, start, {}, 50, 1e-5, run(runner, J, [3, 3], {}, 50, 1e-5, first));
    expect(again.history).toBe(first.history);
    expect(again.history).toEqual(copy);
  });

  it("begins a state as its init says, with the settings of the moment", () => {
    const nodes: Node[] = [["in", "theta"], ["in", "eta"], ["add", 0, 1]];
    const moved = new Runner({ ...momentum, init: { nodes, out: { theta: 0, "state.u": 2 } } }, 2);
    const history = new Float64Array(4);
    moved.init([7, 8], moved.hyper({ eta: 0.5 }), history);
    expect([...history]).toEqual([7, 8, 7.5, 8.5]);
  });
});

describe("moment", () => {
  it("gives the local values of a step", () => {
    const result = run(runner, J, start, {}, 3, 1e-5);
    const { record, next } = moment(runner, J, result, 3, {});
    const u = runner.compiled.locals.find((slot) => slot.name === "u")!;
    const [w] = byHand(start, 1, 0.9, 4);
    expect(next[0]).toBeCloseTo(w, 14);
    expect(record[u.offset]).toBeCloseTo(result.history[3 * result.width]! - w, 12);
  });
});

describe("series", () => {
  it("fades an impulse by gamma at each step", () => {
    const { u } = series(momentum, { eta: 1, gamma: 0.5 }, [1, 0, 0, 0], ["u"]);
    expect([...u!]).toEqual([1, 0.5, 0.25, 0.125]);
  });
});

describe("niceFactor", () => {
  it.each([[0.3, 1], [1.2, 2], [3, 5], [7, 10], [12, 20], [480, 500]])("rounds %f up to %f", (x, nice) => {
    expect(niceFactor(x)).toBe(nice);
  });
});
