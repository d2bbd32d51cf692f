// Small helpers to make elements; icons are inline SVG.

type Attributes = Readonly<Record<string, string | number | boolean | null | undefined>>;
type Child = globalThis.Node | string | null | undefined;

function fill<E extends Element>(element: E, attributes: Attributes, children: readonly Child[]): E {
  for (const [name, value] of Object.entries(attributes))
    if (value !== null && value !== undefined && value !== false)
      element.setAttribute(name, value === true ? "" : String(value));
  for (const child of children) if (child) element.append(child);
  return element;
}

/** An HTML element; its class is given the prefix that keeps it apart from the page's own. */
export function h<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  className: string,
  attributes: Attributes = {},
  ...children: Child[]
): HTMLElementTagNameMap[K] {
  const element = document.createElement(tag);
  if (className) element.className = prefixed(className);
  return fill(element, attributes, children);
}

/** An SVG element. */
export function svg<K extends keyof SVGElementTagNameMap>(
  tag: K,
  className = "",
  attributes: Attributes = {},
  ...children: Child[]
): SVGElementTagNameMap[K] {
  const element = document.createElementNS("http://www.w3.org/2000/svg", tag);
  if (className) element.setAttribute("class", prefixed(className));
  return fill(element, attributes, children);
}

const prefixed = (names: string): string =>
  names
    .split(" ")
    .map((name) => `lecopt-${name}`)
    .join(" ");

const ICONS = {
  play: "M4 2.5v11l9-5.5z",
  pause: "M4 2.5h3v11H4zM9.5 2.5h3v11h-3z",
  first: "M3 2.5h2v11H3zM13.5 2.5v11L6 8z",
  last: "M11 2.5h2v11h-2zM2.5 2.5v11L10 8z",
  back: "M10.5 2.5v11L3 8zM11.5 2.5h1.6v11h-1.6z",
  forward: "M5.5 2.5v11L13 8zM2.9 2.5h1.6v11H2.9z",
  link: "M6.7 9.3a2.6 2.6 0 0 1 0-3.6l2.2-2.2a2.6 2.6 0 0 1 3.6 3.6l-1.2 1.2M9.3 6.7a2.6 2.6 0 0 1 0 3.6l-2.2 2.2a2.6 2.6 0 0 1-3.6-3.6l1.2-1.2",
  reset: "M3.2 8a4.8 4.8 0 1 0 1.5-3.5M3 2.2v3h3",
};

export type Icon = keyof typeof ICONS;

export function icon(name: Icon): SVGSVGElement {
  const outline = name === "link" || name === "reset";
  const path = svg("path", "", { d: ICONS[name] });
  return svg("svg", outline ? "icon outline" : "icon", { viewBox: "0 0 16 16", "aria-hidden": "true" }, path);
}

export function button(label: string, name: Icon, act: () => void, text = ""): HTMLButtonElement {
  const element = h("button", "button", { type: "button", title: label, "aria-label": label }, icon(name), text);
  element.addEventListener("click", act);
  return element;
}

/** Call back when the element's width changes; returns how to stop. */
export function onWidth(element: Element, act: (width: number) => void): () => void {
  let last = 0;
  const observer = new ResizeObserver(([entry]) => {
    const width = Math.round(entry!.contentRect.width);
    if (width > 0 && width !== last) act((last = width));
  });
  observer.observe(element);
  return () => observer.disconnect();
}

let count = 0;
/** An id that no other element on the page has. */
export const freshId = (): string => `lecopt-${count++}`;
