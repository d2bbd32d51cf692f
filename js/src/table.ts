// The numbers behind the picture, for those who want to read them; filled when it is opened.

import { h } from "./dom";
import { number } from "./format";
import type { Run } from "./run";

const ROUND = [0, 1, 2, 3, 5, 10, 20, 30, 50, 100, 200, 300, 500, 1000, 2000, 5000, 10000, 20000, 50000];

export interface DataTable {
  el: HTMLDetailsElement;
  set(rows: readonly { name: string; run: Run }[], step: number): void;
}

export function dataTable(labels: readonly string[]): DataTable {
  const body = h("div", "table-box", { tabindex: 0, role: "group", "aria-label": "Data table" });
  const el = h("details", "data", {}, h("summary", "", {}, "Data table"), body);
  let last: [readonly { name: string; run: Run }[], number] = [[], 0];
  const fill = () => {
    if (!el.open) return;
    const [rules, step] = last;
    const longest = Math.max(0, ...rules.map((r) => r.run.steps));
    const steps = [...new Set([...ROUND.filter((k) => k <= longest), Math.min(step, longest)])].sort((a, b) => a - b);
    const names = rules.map((r) => h("th", "", { colspan: labels.length + 1, scope: "colgroup" }, r.name));
    const columns = rules.flatMap(() => [...labels, "loss"].map((c) => h("th", "", { scope: "col" }, c)));
    const rows = steps.map((k) => {
      const cells = rules.flatMap(({ run }) => {
        const there = k <= run.steps;
        const theta = [...run.history.subarray(k * run.width, k * run.width + run.dim)];
        return [...theta, run.loss[k]!].map((x) => h("td", "", {}, there ? number(x) : "–"));
      });
      return h("tr", k === step ? "now" : "", {}, h("th", "", { scope: "row" }, String(k)), ...cells);
    });
    body.replaceChildren(
      h("table", "table", {}, h("thead", "", {}, h("tr", "", {}, h("th", "", { scope: "col", rowspan: 2 }, "step"), ...names), h("tr", "", {}, ...columns)), h("tbody", "", {}, ...rows)),
    );
  };
  el.addEventListener("toggle", fill);
  return {
    el,
    set(rows, step) {
      last = [rows, step];
      fill();
    },
  };
}
