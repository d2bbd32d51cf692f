// For anywidget: a module that renders a model into an element.

import { mount } from "./mount";
import type { Model, Scene } from "./scene";

type WidgetModel = Model & { get(name: "scene"): Scene };

export default {
  render({ model, el }: { model: WidgetModel; el: HTMLElement }): () => void {
    const box = document.createElement("div");
    el.append(box);
    return mount(box, model.get("scene"), model);
  },
};
