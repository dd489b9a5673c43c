import type { FeatureDrift } from "@sepal-ml/client";
import { h, setText } from "../dom.js";
import { grouped } from "../format.js";
import { createFeature, type FeatureCard, type Naming } from "./feature.js";
import { byPsi } from "./words.js";

/** How many features are shown until more are asked for, and how many more then. */
export const FEATURES_AT_A_TIME = 30;

/** The features of a report, those that differ the most first. */
export class FeatureList {
  readonly #list = h("ul", { class: "features-drift" });
  readonly #more = h("button", { type: "button" });
  readonly #cards = new Map<string, FeatureCard>();
  readonly element = h("div", {}, this.#list, this.#more);
  #drifts: readonly FeatureDrift[] = [];
  #namings: ReadonlyMap<string, Naming> = new Map();
  #shown = FEATURES_AT_A_TIME;

  constructor() {
    this.#more.addEventListener("click", () => {
      const next = this.#shown;
      this.#shown += FEATURES_AT_A_TIME;
      this.#arrange();
      // The button goes away with the last of them, and would take the focus along.
      const first = this.#list.children[next]?.querySelector("summary");
      if (first instanceof HTMLElement) first.focus();
    });
  }

  /** Forgets what was shown, before another version is. */
  clear(): void {
    this.#cards.clear();
    this.#list.replaceChildren();
    this.#shown = FEATURES_AT_A_TIME;
    this.show([], new Map());
  }

  show(drifts: readonly FeatureDrift[], namings: ReadonlyMap<string, Naming>): void {
    this.#drifts = drifts;
    if (this.#namings !== namings) this.#cards.clear();
    this.#namings = namings;
    this.#arrange();
  }

  #arrange(): void {
    const sorted = byPsi(this.#drifts);
    const worst = sorted.slice(0, this.#shown);
    const elements = worst.map((drift) => this.#cardOf(drift).element);
    const present = [...this.#list.children];
    const same = present.length === elements.length && elements.every((e) => present.includes(e));
    // What people read or use stays where it is: the order follows when they are done.
    const moved = elements.some((element, i) => element !== present[i]);
    if (!same || (moved && !this.#list.matches(":hover, :focus-within"))) this.#place(elements);
    const left = sorted.length - worst.length;
    this.#more.hidden = left === 0;
    const next = grouped(Math.min(left, FEATURES_AT_A_TIME));
    setText(this.#more, `Show ${next} more of ${grouped(left)} features that differ less`);
  }

  #place(elements: readonly HTMLElement[]): void {
    const active = document.activeElement;
    this.#list.replaceChildren(...elements);
    if (active instanceof HTMLElement && this.#list.contains(active)) active.focus();
  }

  #cardOf(drift: FeatureDrift): FeatureCard {
    const { feature } = drift;
    const naming = this.#namings.get(feature) ?? { label: feature, unit: "" };
    const card = this.#cards.get(feature) ?? createFeature(feature, naming);
    this.#cards.set(feature, card);
    card.show(drift);
    return card;
  }
}
