// For a plain page: mount every explorer that the page holds, with no kernel.

import { mount } from "./mount";
import { PlainModel, type Scene, type State } from "./scene";

function start(): void {
  for (const el of document.querySelectorAll<HTMLElement>(".lecopt-mount:not([data-lecopt-ready])")) {
    const packed = el.querySelector('script[type="application/json"]');
    if (!packed?.textContent) continue;
    el.dataset["lecoptReady"] = "";
    const { scene, state } = JSON.parse(packed.textContent) as { scene: Scene; state: State };
    el.querySelector("noscript")?.remove();
    mount(el, scene, new PlainModel(state));
  }
}

if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", start);
else start();
