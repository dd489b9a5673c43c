import { h } from "./dom.js";

/** A moment, as the server gives it. */
interface Timestamp {
  seconds: bigint;
  nanos: number;
}

/** A part of the page that is made anew when what it shows changes, and only then. */
export class Part {
  readonly element: HTMLElement;
  #shown = "";

  constructor(element: HTMLElement) {
    this.element = element;
  }

  /** Shows what `build` makes of the data; the focus stays where `data-focus` says. */
  show(data: unknown, build: () => (Node | string)[]): void {
    const key = JSON.stringify(data, (_, value) =>
      typeof value === "bigint" ? String(value) : value,
    );
    if (key === this.#shown) return;
    this.#shown = key;
    const active = document.activeElement;
    const focused = this.element.contains(active) ? focusKey(active) : undefined;
    this.element.replaceChildren(...build());
    focusByKey(focused, this.element);
  }
}

/** What finds an element again after its part was made anew. */
export function focusKey(element: Element | null): string | undefined {
  return element instanceof HTMLElement ? element.dataset.focus : undefined;
}

/** Moves the focus to the element of a key, and says whether there was one. */
export function focusByKey(key: string | undefined, within: ParentNode): boolean {
  if (key === undefined) return false;
  const element = within.querySelector<HTMLElement>(`[data-focus="${CSS.escape(key)}"]`);
  element?.focus();
  return element !== null;
}

/** A button that says what it acts on to those who do not see where it stands. */
export function actionButton(text: string, what: string, act: () => void): HTMLButtonElement {
  const name = `${text} ${what}`;
  const button = h("button", { type: "button", "aria-label": name, "data-focus": name }, text);
  button.addEventListener("click", act);
  return button;
}

/** A button that says all in its text. */
export function textButton(text: string, act: () => void): HTMLButtonElement {
  const button = h("button", { type: "button", "data-focus": text }, text);
  button.addEventListener("click", act);
  return button;
}

/** A word or two in a frame. */
export function badge(text: string, kind = ""): HTMLElement {
  return h("span", { class: `badge ${kind}`.trim() }, text);
}

/** A moment in the reader's own time; exactly, on hover. */
export function moment(timestamp: Timestamp | undefined): HTMLElement | string {
  if (!timestamp) return "unknown";
  const date = new Date(Number(timestamp.seconds) * 1000 + timestamp.nanos / 1e6);
  const exact = date.toISOString();
  const text = date.toLocaleString(undefined, { dateStyle: "medium", timeStyle: "short" });
  return h("time", { datetime: exact, title: exact }, text);
}

/** A term and what stands for it. */
export function fact(term: string, ...value: (Node | string)[]): HTMLElement {
  return h("div", {}, h("dt", {}, term), h("dd", {}, ...value));
}
