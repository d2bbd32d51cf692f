// The rule's own source, with the numbers of the step that is about to be taken beside each line.

import { h } from "./dom";
import { number } from "./format";
import { size } from "./ops";
import type { LocalSlot } from "./tape";
import { Objective } from "./objective";
import { moment, type Run, type Runner } from "./run";

const TOKEN =
  /(#.*$)|("""[\s\S]*?"""|"[^"]*"|'[^']*')|\b(def|return|if|else|for|in|lambda|not|and|or|import|from|None|True|False)\b|\b(\d[\d_]*\.?\d*(?:e[+-]?\d+)?)\b/gm;
const KINDS = ["comment", "string", "keyword", "literal"];

/** A line of Python with its words marked. */
function highlighted(line: string): (HTMLElement | string)[] {
  const parts: (HTMLElement | string)[] = [];
  let at = 0;
  for (const match of line.matchAll(TOKEN)) {
    parts.push(line.slice(at, match.index));
    const kind = KINDS[match.slice(1).findIndex((group) => group !== undefined)]!;
    parts.push(h("span", kind, {}, match[0]));
    at = match.index + match[0].length;
  }
  parts.push(line.slice(at));
  return parts;
}

interface Row {
  name: string;
  cells: HTMLElement[];
  read(moment: { record: Float64Array; next: Float64Array }, run: Run, k: number): number[];
}

export class CodeView {
  readonly el = h("div", "code");
  readonly select = h("select", "select", { "aria-label": "Rule whose code is shown" });
  private readonly title = h("span", "code-step");
  private readonly body = h("div", "code-body", { tabindex: 0, role: "group", "aria-label": "Source of the step" });
  private rows: Row[] = [];
  private shown: Runner | null = null;

  constructor(
    private readonly J: Objective,
    private readonly labels: readonly string[],
    names: readonly string[],
    choose: (name: string) => void,
  ) {
    for (const name of names) this.select.append(h("option", "", { value: name }, name));
    this.select.addEventListener("change", () => choose(this.select.value));
    const head = h("div", "code-head", {}, h("span", "panel-name", {}, "Code of"), this.select, this.title);
    this.el.append(head, this.body);
  }

  /** Show step k of a run: what each line of the rule computes there. */
  set(runner: Runner, run: Run, k: number, settings: Readonly<Record<string, number>>): void {
    if (this.shown !== runner) this.build(runner);
    this.select.value = runner.part.key;
    const at = Math.min(k, run.steps);
    const now = moment(runner, this.J, run, at, settings);
    this.title.textContent = `step ${at} → ${at + 1}`;
    for (const row of this.rows)
      row.read(now, run, at).forEach((value, i) => {
        const cell = row.cells[i]!;
        cell.textContent = number(value, 5);
        cell.dataset["value"] = String(value);
      });
  }

  private build(runner: Runner): void {
    this.shown = runner;
    this.rows = [];
    const { source = "" } = runner.part.program;
    const lines = source.trimEnd().split("\n");
    const last = lines.findLastIndex((line) => /^\s*return\b/.test(line));
    const head = h("div", "code-row code-heads", { "aria-hidden": "true" }, h("span", "line", {}, ""));
    const names = this.labels.map((label) => h("span", "value", {}, label));
    head.append(h("span", "values", {}, h("span", "value-row", {}, h("span", "value-name", {}, ""), ...names)));
    this.body.replaceChildren(
      head,
      ...lines.map((line, i) => {
        const values = this.valuesOf(runner, i, i === 0, i === last);
        const indent = line.length - line.trimStart().length;
        const code = h("code", "line", {}, ...highlighted(line.trim()));
        code.style.paddingInlineStart = `${indent * 0.5 + 1.5}ch`;
        return h("div", values.length ? "code-row" : "code-row bare", {}, code, h("span", "values", {}, ...values));
      }),
    );
  }

  private valuesOf(runner: Runner, line: number, first: boolean, last: boolean): HTMLElement[] {
    const { dim } = runner;
    const rows: HTMLElement[] = [];
    if (first) {
      let at = 0;
      for (const [name, shape] of Object.entries(runner.fields)) {
        const [offset, length] = [at, size(shape)];
        rows.push(this.row(name, length, (_, run, k) => point(run, k, offset, length)));
        at += length;
      }
    }
    const set = runner.compiled.locals.filter((slot: LocalSlot) => slot.line === line);
    for (const { name, offset, size } of set)
      rows.push(this.row(name, size, ({ record }) => [...record.subarray(offset, offset + size)]));
    if (last) rows.push(this.row("loss", 1, ({ next }) => [this.J.loss(next.subarray(0, dim))]));
    return rows;
  }

  private row(name: string, size: number, read: Row["read"]): HTMLElement {
    const cells = Array.from({ length: size }, () => h("span", size === 1 ? "value single" : "value"));
    this.rows.push({ name, cells, read });
    return h("span", "value-row", { "data-name": name }, h("span", "value-name", {}, name), ...cells);
  }
}

const point = (run: Run, k: number, offset: number, size: number): number[] => [
  ...run.history.subarray(k * run.width + offset, k * run.width + offset + size),
];
