// Hand-made tapes: the sigmoid neuron on two points, and momentum.
import type { ObjectivePart, RulePart } from "../src/scene";
import type { Node, Program } from "../src/tape";

const X = [0.5, 2.5];
const y = [0.2, 0.9];

const output: Node[] = [
  ["in", "theta"],
  ["get", 0, [0]],
  ["get", 0, [1]],
  ["in", "data.X"],
  ["mul", 1, 3],
  ["add", 4, 2],
  ["neg", 5],
  ["exp", 6],
  ["const", 1],
  ["add", 8, 7],
  ["div", 8, 9],
  ["in", "data.y"],
  ["sub", 10, 11],
];

export const loss: Program = {
  nodes: [...output, ["mul", 12, 12], ["sum", 13, null], ["const", 0.5], ["mul", 15, 14]],
  out: { value: 16 },
};

export const grad: Program = {
  nodes: [
    ...output,
    ["mul", 12, 10],
    ["sub", 8, 10],
    ["mul", 13, 14],
    ["mul", 15, 3],
    ["sum", 16, 0],
    ["sum", 15, 0],
    ["stack", [17, 18], 0],
  ],
  out: { value: 19 },
};

export const neuron: Pick<ObjectivePart, "loss" | "grad" | "data"> = { loss, grad, data: { X, y } };

const hyper = (name: string, value: number): RulePart["hyper"][number] => ({
  name,
  symbol: name,
  value,
  range: [0.001, 30],
  log: true,
  limits: [0, null],
});

export const momentum: RulePart = {
  key: "Momentum",
  program: {
    nodes: [
      ["in", "theta"],
      ["in", "state.u"],
      ["in", "eta"],
      ["in", "gamma"],
      ["grad", 0],
      ["mul", 3, 1],
      ["mul", 2, 4],
      ["add", 5, 6],
      ["sub", 0, 7],
    ],
    out: { theta: 8, "state.u": 7 },
    locals: [
      ["g", 4, 1],
      ["u", 7, 2],
    ],
    source: "def step(self, theta, state, J):\n    g = J.grad(theta)",
  },
  init: {
    nodes: [
      ["in", "theta"],
      ["const", 0],
      ["mul", 0, 1],
    ],
    out: { theta: 0, "state.u": 2 },
  },
  hyper: [hyper("eta", 1), hyper("gamma", 0.9)],
};

/** The same by hand, for a check that shares no code. */
export function byHand(start: [number, number], eta: number, gamma: number, steps: number): [number, number] {
  let [w, b] = start;
  let [uw, ub] = [0, 0];
  for (let k = 0; k < steps; k++) {
    let [gw, gb] = [0, 0];
    X.forEach((x, i) => {
      const f = 1 / (1 + Math.exp(-(w * x + b)));
      const delta = (f - y[i]!) * f * (1 - f);
      gw += delta * x;
      gb += delta;
    });
    [uw, ub] = [gamma * uw + eta * gw, gamma * ub + eta * gb];
    [w, b] = [w - uw, b - ub];
  }
  return [w, b];
}
