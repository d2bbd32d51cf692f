// The state that moves, shared with Python where there is a kernel.

import { PlainModel, type Model, type Settings, type State } from "./scene";
import { decode, encode, fit } from "./share";

const SAVE_EVERY = 80;

export class Store {
  private readonly stops: (() => void)[] = [];
  private timer: ReturnType<typeof setTimeout> | undefined;
  private readonly initial: State;

  constructor(
    readonly model: Model,
    readonly name: string,
  ) {
    this.initial = structuredClone(this.all());
  }

  /** Whether this is a plain page, whose address is free to hold the state. */
  get onPage(): boolean {
    return this.model instanceof PlainModel;
  }

  get<K extends keyof State>(name: K): State[K] {
    return this.model.get(name);
  }

  /** Change the state; Python hears of it a little later, a few times a second at most. */
  put<K extends keyof State>(name: K, value: State[K]): void {
    this.model.set(name, value);
    this.timer ??= setTimeout(() => this.save(), SAVE_EVERY);
  }

  putHyper(rule: string, name: string, value: number): void {
    const hyper: Settings = this.get("hyper");
    this.put("hyper", { ...hyper, [rule]: { ...hyper[rule], [name]: value } });
  }

  on(names: readonly (keyof State)[], act: () => void): void {
    for (const name of names) {
      this.model.on(`change:${name}`, act);
      this.stops.push(() => this.model.off(`change:${name}`, act));
    }
  }

  /** Go back to how the page began. */
  reset(): void {
    this.assign(structuredClone(this.initial));
  }

  /** Take over what the address says of this explorer; true if it does. */
  readAddress(): boolean {
    const shared = decode(this.name, location.hash);
    if (shared) this.assign(fit(shared, this.all()));
    return shared !== null;
  }

  /** Write the state into the address, and return the address. */
  writeAddress(): string {
    const { start, step, budget, on, code, hyper } = this.all();
    const address = location.href.replace(/#.*$/, "") + encode(this.name, { start, step, budget, on, code, hyper });
    history.replaceState(history.state, "", address);
    return address;
  }

  destroy(): void {
    this.stops.forEach((stop) => stop());
    if (this.timer !== undefined) this.save();
  }

  private save(): void {
    clearTimeout(this.timer);
    this.timer = undefined;
    this.model.save_changes();
  }

  private assign(state: Partial<State>): void {
    for (const name of Object.keys(state) as (keyof State)[]) this.put(name, state[name]!);
  }

  private all(): State {
    const names = ["start", "hyper", "on", "code", "step", "playing", "budget", "answers"] as const;
    return Object.fromEntries(names.map((name) => [name, this.get(name)])) as unknown as State;
  }
}

/** Run `act` once in the next frame, however often it is asked for. */
export function inFrame(act: () => void): { ask: () => void; stop: () => void } {
  let frame = 0;
  return {
    ask: () => {
      frame ||= requestAnimationFrame(() => {
        frame = 0;
        act();
      });
    },
    stop: () => cancelAnimationFrame(frame),
  };
}

/** Run `act` when nothing has asked for it for a while. */
export function whenSettled(act: () => void, wait = 700): { ask: () => void; stop: () => void } {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const stop = () => clearTimeout(timer);
  return {
    ask: () => {
      stop();
      timer = setTimeout(act, wait);
    },
    stop,
  };
}
