// Answer the Python tests: one JSON request a line in, one JSON answer a line out.
import { build } from "esbuild";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

const here = (path) => fileURLToPath(new URL(path, import.meta.url));
const { outputFiles } = await build({
  stdin: { contents: 'export * from "./run"; export * from "./objective"; export * from "./tape"; export * from "./series";', resolveDir: here("../src") },
  bundle: true,
  format: "esm",
  write: false,
});
const code = Buffer.from(outputFiles[0].contents).toString("base64");
const { Objective, Runner, run, moment, compile, series } = await import(`data:text/javascript;base64,${code}`);

const plain = (numbers) => Array.from(numbers, (x) => (Number.isFinite(x) ? x : String(x)));

const answers = {
  run({ objective, rule, start, settings, budget, rows }) {
    const runner = new Runner(rule, start.length);
    const J = new Objective(objective, start.length);
    const result = run(runner, J, start, settings, budget, 1e-5, undefined, rows);
    const until = (column) => plain(column.subarray(0, result.steps + 1));
    return {
      width: result.width,
      history: plain(result.history.subarray(0, (result.steps + 1) * result.width)),
      loss: until(result.loss),
      lossEvals: until(result.lossEvals),
      gradEvals: until(result.gradEvals),
      first: result.firstBelow,
      diverged: result.divergedAt,
    };
  },
  moment({ objective, rule, start, settings, step }) {
    const runner = new Runner(rule, start.length);
    const J = new Objective(objective, start.length);
    const result = run(runner, J, start, settings, step, 1e-5);
    const { record, hyper } = moment(runner, J, result, step, settings);
    const entries = runner.compiled.locals.map((s) => [s.name, plain(record.subarray(s.offset, s.offset + s.size))]);
    return { ...Object.fromEntries(entries), hyper: plain(hyper) };
  },
  series({ rule, settings, gradients, wanted }) {
    const result = series(rule, settings, gradients, wanted);
    return Object.fromEntries(wanted.map((name) => [name, plain(result[name])]));
  },
  value({ program, inputs }) {
    const shape = (x) => (Array.isArray(x) ? [x.length, ...shape(x[0])] : []);
    const flat = (x) => Float64Array.from([x].flat(Infinity));
    const shapes = Object.fromEntries(Object.entries(inputs).map(([name, x]) => [name, shape(x)]));
    const compiled = compile(program, shapes);
    const out = new Float64Array(compiled.shape.reduce((a, b) => a * b, 1));
    compiled.call(...Object.values(inputs).map(flat), out);
    return { shape: compiled.shape, value: plain(out) };
  },
};

for await (const line of createInterface({ input: process.stdin })) {
  const { ask, ...request } = JSON.parse(line);
  let answer;
  try {
    answer = answers[ask](request);
  } catch (error) {
    answer = { error: String(error.message) };
  }
  process.stdout.write(`${JSON.stringify(answer)}\n`);
}
