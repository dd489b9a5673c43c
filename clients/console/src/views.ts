import { setAttributes } from "./dom.js";

/** A view of the page, which the links to its route show. */
export interface View {
  /** What follows "#" in the address. */
  route: string;
  /** What is shown with the view, and hidden without. */
  elements: HTMLElement[];
  /** Where the skip link leads. */
  target(): HTMLElement | null;
  /** The title of the page. */
  title(): string;
  /** Is told when the view comes into sight. */
  shown(): void;
  /** Is told when another view takes its place. */
  hidden(): void;
}

/** Which view is shown follows the address; the first of the views is the one of any other route. */
export class Views {
  readonly #views: readonly [View, ...View[]];
  readonly #nav: HTMLElement;
  #shown: View | undefined;

  constructor(views: readonly [View, ...View[]], nav: HTMLElement, skip: HTMLElement) {
    this.#views = views;
    this.#nav = nav;
    skip.addEventListener("click", (event) => {
      // Following the link would leave the view, since the address says which one it is.
      event.preventDefault();
      this.#shown?.target()?.focus();
    });
  }

  start(): void {
    addEventListener("hashchange", () => this.#follow());
    this.#follow();
  }

  /** Takes over the title of a view, if it is the one that is shown. */
  retitle(): void {
    if (this.#shown) document.title = this.#shown.title();
  }

  #follow(): void {
    const view = viewOf(location.hash, this.#views);
    if (view === this.#shown) return;
    const before = this.#shown;
    this.#shown = view;
    for (const other of this.#views) {
      for (const element of other.elements) element.hidden = other !== view;
    }
    for (const link of this.#nav.querySelectorAll("a")) {
      const current = link.getAttribute("href") === `#${view.route}`;
      setAttributes(link, { "aria-current": current ? "page" : undefined });
    }
    before?.hidden();
    view.shown();
    this.retitle();
  }
}

/** The view of a route; the first one where no other has it. */
export function viewOf<V extends Pick<View, "route">>(
  hash: string,
  views: readonly [V, ...V[]],
): V {
  return views.find((view) => hash === `#${view.route}`) ?? views[0];
}
