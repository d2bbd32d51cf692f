// The state in the address: #lecopt.<name>=s:-2,-2;k:40;b:400;o:Momentum,Adam;h:Adam.eta,0.1

import type { State } from "./scene";

const text = (x: string): string => encodeURIComponent(x).replace(/[.!'()*~_-]/g, hex);
const hex = (c: string): string => `%${c.charCodeAt(0).toString(16).toUpperCase()}`;

export type Shared = Partial<Pick<State, "start" | "step" | "budget" | "on" | "code" | "hyper">>;

export function encode(name: string, state: Shared): string {
  const parts: string[] = [];
  if (state.start?.length) parts.push(`s:${state.start.map((x) => String(Number(x.toPrecision(6)))).join(",")}`);
  if (state.step !== undefined) parts.push(`k:${state.step}`);
  if (state.budget !== undefined) parts.push(`b:${state.budget}`);
  if (state.on) parts.push(`o:${state.on.map(text).join(",")}`);
  if (state.code) parts.push(`c:${text(state.code)}`);
  for (const [rule, settings] of Object.entries(state.hyper ?? {}))
    for (const [key, value] of Object.entries(settings))
      parts.push(`h:${text(rule)}.${text(key)},${value}`);
  return `#lecopt.${text(name)}=${parts.join(";")}`;
}

/** Read what a fragment says of this explorer; null if it is not about it, or is broken. */
export function decode(name: string, fragment: string): Shared | null {
  const head = `#lecopt.${text(name)}=`;
  if (!fragment.startsWith(head)) return null;
  const shared: Shared = {};
  try {
    for (const part of fragment.slice(head.length).split(";").filter(Boolean)) {
      const key = part.slice(0, 2);
      const words = part.slice(2).split(",");
      if (key === "s:") shared.start = words.map(finite);
      else if (key === "k:") shared.step = whole(words[0]!);
      else if (key === "b:") shared.budget = Math.max(1, whole(words[0]!));
      else if (key === "o:") shared.on = words.filter(Boolean).map(decodeURIComponent);
      else if (key === "c:") shared.code = decodeURIComponent(words[0]!);
      else if (key === "h:") {
        const [rule, setting] = words[0]!.split(".").map(decodeURIComponent) as [string, string];
        ((shared.hyper ??= {})[rule] ??= {})[setting] = finite(words[1]!);
      }
    }
  } catch {
    return null;
  }
  return shared;
}

function finite(word: string): number {
  const x = Number(word);
  if (word === "" || !Number.isFinite(x)) throw new RangeError(word);
  return x;
}

function whole(word: string): number {
  return Math.min(100_000, Math.max(0, Math.round(finite(word))));
}

/** Keep of a shared state only what this scene knows. */
export function fit(shared: Shared, state: State): Partial<State> {
  const result: Partial<State> = {};
  if (shared.start?.length === state.start.length && state.start.length) result.start = shared.start;
  if (shared.step !== undefined) result.step = shared.step;
  if (shared.budget !== undefined) result.budget = shared.budget;
  const known = Object.keys(state.hyper);
  if (shared.on) result.on = shared.on.filter((rule) => known.includes(rule));
  if (shared.code && known.includes(shared.code)) result.code = shared.code;
  if (shared.hyper) {
    const hyper = structuredClone(state.hyper);
    for (const [rule, settings] of Object.entries(shared.hyper))
      for (const [name, value] of Object.entries(settings))
        if (hyper[rule] && name in hyper[rule]) hyper[rule][name] = value;
    result.hyper = hyper;
  }
  return result;
}
