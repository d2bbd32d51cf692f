// One entry for the widget and for the plain page: put a scene into an element.

import { average } from "./average";
import { dial } from "./dial";
import { guess } from "./guess";
import { quiz } from "./quiz";
import { race } from "./race";
import type { Model, Scene } from "./scene";
import { Store } from "./store";
import { weights } from "./weights";

/** Draw a scene; returns how to take it away again. */
export function mount(el: HTMLElement, scene: Scene, model: Model): () => void {
  el.classList.add("lecopt-explorer", `lecopt-${scene.kind}`);
  // JupyterLab would take the keys for its own, some versions before they get here.
  el.setAttribute("data-lm-suppress-shortcuts", "true");
  const keep = (event: Event) => event.stopPropagation();
  el.addEventListener("keydown", keep);
  const store = new Store(model, scene.name);
  const follow = () => {
    if (store.onPage && store.readAddress()) requestAnimationFrame(() => el.scrollIntoView({ block: "start" }));
  };
  follow();
  window.addEventListener("hashchange", follow);
  const stop = draw(el, scene, store);
  return () => {
    stop();
    store.destroy();
    window.removeEventListener("hashchange", follow);
    el.removeEventListener("keydown", keep);
    el.replaceChildren();
  };
}

function draw(el: HTMLElement, scene: Scene, store: Store): () => void {
  switch (scene.kind) {
    case "race":
      return race(el, scene, store);
    case "guess":
      return guess(el, scene, store);
    case "dial":
      return dial(el, scene, store);
    case "quiz":
      return quiz(el, scene, store);
    case "weights":
      return weights(el, scene, store);
    case "average":
      return average(el, scene, store);
  }
}
