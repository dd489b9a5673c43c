import { DriftState, type FeatureDrift } from "@sepal-ml/client";
import { h, setText } from "../dom.js";
import { percent } from "../format.js";
import { badge } from "../parts.js";
import { binNames } from "./bins.js";
import { NONE } from "./figures.js";
import { createHistogram } from "./histogram.js";
import { createPairs } from "./pairs.js";
import { psiText, stateWord } from "./words.js";

/** How a feature is called, and in what it is measured; from the signature, where it is known. */
export interface Naming {
  label: string;
  unit: string;
}

/** A feature: how its values differ from those in training, in numbers and in a chart. */
export interface FeatureCard {
  element: HTMLElement;
  show(drift: FeatureDrift): void;
}

export function createFeature(name: string, { label, unit }: Naming): FeatureCard {
  const state = badge("");
  const unitText = unit === "" ? [] : [" ", h("span", { class: "unit" }, unit)];
  const [psi, chance] = [h("strong"), h("span", { class: "detail" })];
  const [missing, wasMissing] = [h("strong"), h("span", { class: "detail" })];
  const outside = h("strong");
  const outsideFigure = figure("Out of range", outside);
  const chart = h("div", { class: "shape" });
  const numbers = createNumbers(label);
  const element = h(
    "li",
    { class: "feature", "data-feature": name },
    h(
      "div",
      { class: "entry-head" },
      h("h3", { title: name }, h("bdi", {}, label), ...unitText),
      state,
    ),
    chart,
    h(
      "dl",
      { class: "figures" },
      figure("PSI", psi, chance),
      figure("Missing", missing, wasMissing),
      outsideFigure,
    ),
    numbers.element,
  );
  let draw: ((drift: FeatureDrift) => void) | undefined;
  return {
    element,
    show: (drift) => {
      draw ??= createShape(drift, label, chart);
      draw(drift);
      const word = stateWord(drift);
      setText(state, word);
      state.hidden = word === "";
      state.classList.toggle("danger", drift.state === DriftState.DRIFTED);
      setText(psi, psiText(drift.divergence?.psi));
      setText(chance, chanceText(drift));
      setText(missing, percent(drift.missingShare));
      setText(wasMissing, `was ${percent(drift.referenceMissingShare)}`);
      setText(outside, percent(drift.outOfRangeShare));
      outsideFigure.hidden = drift.categories.length > 0;
      numbers.show(binsOf(drift, unit), drift.referenceShares, drift.shares);
    },
  };
}

function chanceText({ divergence }: FeatureDrift): string {
  return divergence ? `chance ≤ ${psiText(divergence.psiCritical)}` : "no values";
}

function figure(term: string, ...value: Node[]): HTMLElement {
  const spaced = value.flatMap((node, i) => (i === 0 ? [node] : [" ", node]));
  return h("div", {}, h("dt", {}, term), h("dd", {}, ...spaced));
}

/** Makes the chart that suits the feature, and returns what draws it. */
function createShape(
  { categories }: FeatureDrift,
  label: string,
  place: HTMLElement,
): (drift: FeatureDrift) => void {
  if (categories.length > 0) {
    const pairs = createPairs(
      `${label}: shares of the categories now, and in training`,
      "categories",
    );
    place.replaceChildren(pairs.element);
    return (drift) => pairs.show(drift.categories, drift.referenceShares, drift.shares);
  }
  const text = `${label}: shares of the bins now, and in training; as a table below`;
  const histogram = createHistogram(text);
  place.replaceChildren(histogram.element);
  return (drift) => histogram.show(drift.edges, drift.referenceShares, drift.shares);
}

function binsOf({ categories, edges }: FeatureDrift, unit: string): string[] {
  return categories.length > 0 ? categories : binNames(edges, unit);
}

/** The shares as a table; filled only while it is open. */
function createNumbers(label: string): {
  element: HTMLElement;
  show(names: readonly string[], references: readonly number[], shares: readonly number[]): void;
} {
  const body = h("tbody");
  const headings = ["Values", "In training", "Now"].map((text) => h("th", { scope: "col" }, text));
  const table = h(
    "table",
    { class: "numbers", "aria-label": `${label}: shares` },
    h("thead", {}, h("tr", {}, ...headings)),
    body,
  );
  const element = h(
    "details",
    { class: "more" },
    h("summary", {}, "Shares", h("span", { class: "unseen" }, ` of ${label}`)),
    table,
  );
  let rows: string[][] = [];
  const fill = (): void => {
    if (!element.open) return;
    body.replaceChildren(
      ...rows.map(([name = "", was = NONE, is = NONE]) =>
        h(
          "tr",
          {},
          h("th", { scope: "row" }, h("bdi", {}, name)),
          h("td", {}, was),
          h("td", {}, is),
        ),
      ),
    );
  };
  element.addEventListener("toggle", fill);
  return {
    element,
    show: (names, references, shares) => {
      const text = (share: number | undefined) => (share === undefined ? NONE : percent(share));
      rows = names.map((name, i) => [name, text(references[i]), text(shares[i])]);
      fill();
    },
  };
}
