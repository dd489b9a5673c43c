import { setAttributes } from "../dom.js";

/** Makes an element of a drawing. */
export function svg<K extends keyof SVGElementTagNameMap>(
  tag: K,
  attributes: Record<string, string | number>,
): SVGElementTagNameMap[K] {
  const element = document.createElementNS("http://www.w3.org/2000/svg", tag);
  setAttributes(element, attributes);
  return element;
}

/** Sets what a path draws, touching the page only if it differs. */
export function setPath(path: Element, d: string): void {
  if (path.getAttribute("d") !== d) path.setAttribute("d", d);
}
