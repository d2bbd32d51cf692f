// The neuron's curve over its data points, with the residuals.

import { svg } from "./dom";
import { Frame } from "./frame";
import type { ObjectivePart } from "./scene";
import { colour, dash } from "./style";
import { compile } from "./tape";

const N = 121;

type Predict = (theta: Float64Array, x: Float64Array, out: Float64Array) => void;

export class CurveView {
  readonly frame: Frame;
  private readonly curves = svg("g");
  private readonly gaps = svg("g");
  private readonly dots = svg("g");
  private readonly X: Float64Array;
  private readonly Y: Float64Array;
  private readonly at: Float64Array;
  private readonly out = new Float64Array(N);
  private readonly curve: Predict;
  private readonly points: Predict;

  constructor(part: ObjectivePart, ratio: number | (() => number), draw: () => void) {
    this.X = Float64Array.from(part.data["X"] as number[]);
    this.Y = Float64Array.from(part.data["y"] as number[]);
    const [low, high] = [Math.min(...this.X), Math.max(...this.X)];
    const room = 0.6 * (high - low || 1);
    this.at = Float64Array.from({ length: N }, (_, i) => low - room + ((high - low + 2 * room) * i) / (N - 1));
    this.curve = compile(part.predict!, { theta: [2], x: [N] }).call;
    this.points = compile(part.predict!, { theta: [2], x: [this.X.length] }).call;
    this.frame = new Frame({ labels: ["x", "f(x)"], ratio, tall: [130, 420], yTicks: [0, 0.5, 1], draw });
    this.frame.layer.append(this.curves, this.gaps, this.dots);
  }

  /** Draw the curve of each theta; the residuals too, if there is only one. */
  set(thetas: readonly { theta: Float64Array; index: number }[]): void {
    const { frame, X, Y } = this;
    if (!frame.ready) return;
    frame.span([this.at[0]!, this.at[N - 1]!], [-0.04, 1.04]);
    this.dots.replaceChildren(
      ...Array.from(X, (x, i) => svg("circle", "datum", { cx: frame.x(x), cy: frame.y(Y[i]!), r: 4.5 })),
    );
    this.curves.replaceChildren(
      ...thetas.map(({ theta, index }) => {
        this.curve(theta, this.at, this.out);
        const line = svg("path", "model-line", { d: frame.line(this.at, this.out), "stroke-dasharray": dash(index) });
        line.style.stroke = colour(index);
        return line;
      }),
    );
    this.gaps.replaceChildren();
    if (thetas.length !== 1) return;
    const f = new Float64Array(X.length);
    this.points(thetas[0]!.theta, X, f);
    f.forEach((value, i) => {
      const x = frame.x(X[i]!);
      const line = svg("path", "residual", { d: `M${x},${frame.y(Y[i]!)}V${frame.y(value)}` });
      this.gaps.append(line, svg("circle", "fitted", { cx: x, cy: frame.y(value), r: 3 }));
    });
  }
}
