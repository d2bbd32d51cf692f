// A labelled slider with a field to type in. Positions run from 0 to TRACK.

import { scaleLinear, scaleLog } from "d3-scale";
import { freshId, h } from "./dom";
import { parse, short } from "./format";
import type { SliderPart } from "./scene";

const TRACK = 400;

export interface Slider {
  el: HTMLElement;
  input: HTMLInputElement;
  set(value: number): void;
}

interface Track {
  value(position: number): number;
  position(value: number): number;
}

/** A memory (0 to nearly 1) moves evenly in log(1 − value): in how long it lasts. */
export function track({ range: [low, high], log }: SliderPart): Track {
  if (log) {
    const scale = scaleLog([low, high], [0, TRACK]).clamp(true);
    return { value: (p) => Number(scale.invert(p).toPrecision(3)), position: (v) => scale(v) };
  }
  if (low >= 0 && high < 1 && high >= 0.9) {
    const scale = scaleLog([1 - low, 1 - high], [0, TRACK]).clamp(true);
    return {
      value: (p) => Number((1 - Number(scale.invert(p).toPrecision(3))).toFixed(6)),
      position: (v) => scale(1 - v),
    };
  }
  const scale = scaleLinear([low, high], [0, TRACK]).clamp(true);
  const digits = Math.max(0, 2 - Math.floor(Math.log10(high - low)));
  return { value: (p) => Number(scale.invert(p).toFixed(digits)), position: (v) => scale(v) };
}

export function slider(part: SliderPart, owner: string, act: (value: number) => void): Slider {
  const moves = track(part);
  const id = freshId();
  const name = part.symbol === part.name ? part.name : `${part.symbol} (${part.name})`;
  const input = h("input", "range", { type: "range", id, min: 0, max: TRACK, step: 1 });
  input.setAttribute("aria-label", owner ? `${owner}: ${name}` : name);
  const field = h("input", "field", { type: "text", inputmode: "decimal", size: 6 });
  field.setAttribute("aria-label", `${owner ? `${owner}: ` : ""}${name}, exact value`);
  let current = part.value;

  const set = (value: number) => {
    current = value;
    const position = moves.position(value);
    input.value = String(position);
    input.style.setProperty("--lec-done", `${(100 * position) / TRACK}%`);
    input.setAttribute("aria-valuetext", `${part.symbol} = ${short(value)}`);
    if (document.activeElement !== field) field.value = short(value);
  };
  const type = () => {
    const value = parse(field.value);
    const [low, high] = part.limits;
    const fits = Number.isFinite(value) && value >= (low ?? -Infinity) && value <= (high ?? Infinity);
    field.setAttribute("aria-invalid", String(!fits));
    if (fits) act(value);
  };
  input.addEventListener("input", () => act(moves.value(Number(input.value))));
  field.addEventListener("change", type);
  field.addEventListener("blur", () => {
    field.removeAttribute("aria-invalid");
    field.value = short(current);
  });
  set(part.value);
  const label = h("label", "symbol", { for: id, title: part.name }, part.symbol);
  return { el: h("div", "slider", {}, label, input, field), input, set };
}
