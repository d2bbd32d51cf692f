import { describe, expect, it } from "vitest";
import { number, parse, short } from "../src/format";
import { PlainModel, type State } from "../src/scene";
import { decode, encode, fit } from "../src/share";
import { track } from "../src/slider";
import { grid, heights } from "../src/surface";

const state: State = {
  start: [-2, 1.5],
  hyper: { "Gradient descent": { eta: 1 }, "my.rule; 100%": { gamma: 0.9 } },
  on: ["my.rule; 100%"],
  code: "my.rule; 100%",
  step: 40,
  playing: false,
  budget: 400,
  answers: [],
};

describe("the address", () => {
  it("gives back what it was given", () => {
    const { start, hyper, on, code, step, budget } = state;
    const address = encode("race 1", { start, hyper, on, code, step, budget });
    expect(address).not.toMatch(/\s/);
    expect(decode("race 1", address)).toEqual({ start, hyper, on, code, step, budget });
  });

  it("is about one explorer only", () => {
    expect(decode("other", encode("race", { step: 3 }))).toBeNull();
    expect(decode("race", "#chapter-2")).toBeNull();
  });

  it.each(["s:1,x", "k:", "h:a.b,oops", "o:%zz"])("is left alone where it is broken: %s", (part) => {
    expect(decode("race", `#lecopt.race=${part}`)).toBeNull();
  });

  it("changes only what the scene knows", () => {
    const shared = { start: [1], on: ["stranger", "Gradient descent"], hyper: { stranger: { eta: 1 }, "Gradient descent": { eta: 5, rho: 1 } } };
    const fitted = fit(shared, state);
    expect(fitted.start).toBeUndefined();
    expect(fitted.on).toEqual(["Gradient descent"]);
    expect(fitted.hyper).toEqual({ ...state.hyper, "Gradient descent": { eta: 5 } });
  });
});

describe("PlainModel", () => {
  it("tells listeners of a change, and of nothing else", () => {
    const model = new PlainModel(structuredClone(state));
    let heard = 0;
    const listen = () => heard++;
    model.on("change:step", listen);
    model.set("step", 41);
    model.set("step", 41);
    model.set("budget", 7);
    expect(heard).toBe(1);
    model.off("change:step", listen);
    model.set("step", 42);
    expect(heard).toBe(1);
  });
});

describe("sliders", () => {
  const part = (range: [number, number], log: boolean) => ({ name: "x", symbol: "x", value: 1, range, log, limits: [0, null] as [number, null] });

  it("move evenly in the logarithm", () => {
    const t = track(part([0.001, 30], true));
    expect(t.value(0)).toBe(0.001);
    expect(t.value(400)).toBe(30);
    expect(t.position(Math.sqrt(0.001 * 30))).toBeCloseTo(200, 9);
  });

  it("give memories room near 1", () => {
    const t = track(part([0, 0.99], false));
    expect(t.value(0)).toBe(0);
    expect(t.value(200)).toBe(0.9);
    expect(t.value(400)).toBe(0.99);
  });

  it("stay on the track for a value beyond it", () => {
    expect(track(part([0.001, 30], true)).position(100)).toBe(400);
  });
});

describe("heights", () => {
  const side: [[number, number], [number, number]] = [[-1, 1], [-1, 1]];

  it("are equal steps for a slope", () => {
    const levels = heights(grid((x, y) => x + y, side, 41), "auto");
    const steps = levels.slice(1).map((level, i) => level - levels[i]!);
    expect(Math.max(...steps) - Math.min(...steps)).toBeLessThan(1e-9);
  });

  it("grow where the loss spans decades", () => {
    const levels = heights(grid((x, y) => Math.exp(12 * x) + y * y, side, 41), "auto");
    expect(levels.length).toBeGreaterThan(10);
    expect(levels[1]! - levels[0]!).toBeLessThan((levels[9]! - levels[8]!) / 10);
  });

  it("are one level on a plain", () => {
    expect(heights(grid(() => 3, side, 11), "auto")).toEqual([3]);
  });
});

describe("numbers as text", () => {
  it.each([[0, "0"], [1.23456, "1.235"], [-0.5, "−0.5000"], [1e-5, "1.00e−5"], [123456, "1.23e5"], [Infinity, "∞"]])(
    "writes %f as %s",
    (x, text) => expect(number(x)).toBe(text),
  );
  it("writes few digits where few say it all", () => {
    expect([0.1, 30, 1e-8, 1e-5, -2].map((x) => short(x))).toEqual(["0.1", "30", "1e−8", "1e−5", "−2"]);
  });
  it("reads what people type", () => {
    expect(["−2", "1e-3", "0,5", " 7 "].map(parse)).toEqual([-2, 0.001, 0.5, 7]);
    expect(parse("")).toBeNaN();
  });
});
