// What Python sends: a scene (fixed) and a state (moves). See lecopt/explorer/scenes.py.

import type { Program } from "./tape";

export type Point = [number, number];
export type Span = [number, number];
export type Settings = Record<string, Record<string, number>>;

export interface SliderPart {
  name: string;
  symbol: string;
  value: number;
  range: Span;
  log: boolean;
  limits: [number | null, number | null];
}

/** A hyper-parameter that changes with the steps: programs of lecopt.trace.trace_schedule. */
export interface SchedulePart {
  name: string;
  symbol: string;
  /** The rule's own value, which its init sees. */
  value: number;
  /** What a watching schedule remembers at first. */
  init: Program;
  /** From t (and loss, and memory) to "value" (and memory). */
  step: Program;
}

export interface RulePart {
  key: string;
  program: Program;
  /** From theta and the hyper-parameters to theta and the state before the first step. */
  init: Program;
  /** Those that the reader moves; `schedules` are the others. */
  hyper: SliderPart[];
  schedules?: SchedulePart[];
}

export interface ObjectivePart {
  name: string;
  labels: string[];
  window: [Span, Span];
  minima: Point[];
  loss: Program;
  grad: Program;
  data: Record<string, unknown>;
  /** Its programs on so many rows, where they are not those of all rows. */
  sizes?: Record<number, { loss: Program; grad: Program }>;
  predict?: Program;
}

/**
 * A stochastic run (lecopt.explorer.parts.batches_part): step k descends on `rows[k]` of the data,
 * as `run` takes them; `sizes` goes to the objective.
 */
export interface BatchesPart {
  rows: number[][];
  sizes: NonNullable<ObjectivePart["sizes"]>;
}

export interface SceneBase {
  kind: string;
  name: string;
  alt: string;
  dim?: number;
}

export interface RaceScene extends SceneBase {
  kind: "race";
  objective: ObjectivePart;
  rules: RulePart[];
  target: number;
  panels: string[];
  levels: Levels;
}

export interface GuessScene extends SceneBase {
  kind: "guess";
  objective: ObjectivePart;
  levels: Levels;
}

export interface DialScene extends SceneBase {
  kind: "dial";
  objective: ObjectivePart;
  sliders: SliderPart[];
  levels: Levels;
}

export interface QuizQuestion {
  window: [Span, Span];
  labels: string[];
  right: number;
  surfaces: { loss: Program; why: string }[];
}

export interface QuizScene extends SceneBase {
  kind: "quiz";
  questions: QuizQuestion[];
}

export interface WeightsScene extends SceneBase {
  kind: "weights";
  n: number;
  rule: RulePart;
  sliders: SliderPart[];
}

export interface AverageScene extends SceneBase {
  kind: "average";
  rule: RulePart;
  values: number[];
  sliders: SliderPart[];
}

export type Levels = "auto" | "linear" | "log";
export type Scene = RaceScene | GuessScene | DialScene | QuizScene | WeightsScene | AverageScene;

/** What moves; the names are those of the widget's traits. */
export interface State {
  start: number[];
  hyper: Settings;
  on: string[];
  code: string;
  step: number;
  playing: boolean;
  budget: number;
  answers: number[];
}

/** The part of anywidget's model that the scenes use; `PlainModel` stands in on a plain page. */
export interface Model {
  get<K extends keyof State>(name: K): State[K];
  set<K extends keyof State>(name: K, value: State[K]): void;
  save_changes(): void;
  on(event: string, callback: () => void): void;
  off(event: string, callback: () => void): void;
}

export class PlainModel implements Model {
  private readonly listeners = new Map<string, Set<() => void>>();

  constructor(private readonly state: State) {}

  get<K extends keyof State>(name: K): State[K] {
    return this.state[name];
  }

  set<K extends keyof State>(name: K, value: State[K]): void {
    if (this.state[name] === value) return;
    this.state[name] = value;
    this.listeners.get(`change:${name}`)?.forEach((callback) => callback());
  }

  save_changes(): void {}

  on(event: string, callback: () => void): void {
    if (!this.listeners.has(event)) this.listeners.set(event, new Set());
    this.listeners.get(event)!.add(callback);
  }

  off(event: string, callback: () => void): void {
    this.listeners.get(event)?.delete(callback);
  }
}
