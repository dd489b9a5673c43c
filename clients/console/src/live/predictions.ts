import { DriftState, type PredictionDrift } from "@sepal-ml/client";
import { h, setText } from "../dom.js";
import { percent } from "../format.js";
import { badge, fact } from "../parts.js";
import { shareText } from "./figures.js";
import { createPairs } from "./pairs.js";
import { psiText, stateWord } from "./words.js";

/** What the estimate is, and what it cannot be. */
export const HOW_ESTIMATED =
  "Estimated without labels, as the mean confidence: true as far as the model is right as often " +
  "as it is sure, and blind to a class that has come to look different.";

/** The predictions of a report beside those on the training rows. */
export function createPredictions(): {
  element: HTMLElement;
  show(drift: PredictionDrift, rows: bigint): void;
} {
  const pairs = createPairs("Shares of the predicted classes now, and in training", "classes");
  const state = badge("");
  const facts = h("dl", { class: "facts" });
  return {
    element: h(
      "div",
      { class: "predictions-drift" },
      h(
        "div",
        {},
        h("div", { class: "entry-head" }, h("h3", {}, "Predicted classes"), state),
        pairs.element,
      ),
      h(
        "div",
        {},
        h("h3", {}, "How sure, and how right"),
        facts,
        h("p", { class: "note" }, HOW_ESTIMATED),
      ),
    ),
    show: (drift, rows) => {
      setText(state, stateWord(drift));
      state.classList.toggle("danger", drift.state === DriftState.DRIFTED);
      pairs.show(drift.classes, drift.referenceShares, drift.shares);
      facts.replaceChildren(
        ...factsOf(drift, rows > 0n).map(([term, value, detail]) =>
          fact(term, h("strong", {}, value), " ", h("span", { class: "detail" }, detail)),
        ),
      );
    },
  };
}

/** The facts about the predictions: what, the value now, and what to compare it with. */
export function factsOf(drift: PredictionDrift, answered: boolean): [string, string, string][] {
  const { estimatedAccuracy, referenceAccuracy, divergence, confidenceThreshold } = drift;
  const held =
    referenceAccuracy === undefined
      ? "no rows were held out in training"
      : `${percent(referenceAccuracy)} on rows held out in training`;
  return [
    [
      "Mean confidence",
      shareText(answered ? drift.meanConfidence : undefined),
      `was ${percent(drift.referenceMeanConfidence)} in training`,
    ],
    ["Accuracy, estimated", shareText(estimatedAccuracy), held],
    [
      "Unsure",
      shareText(answered ? drift.lowConfidenceShare : undefined),
      `confidence below ${percent(confidenceThreshold)}`,
    ],
    [
      "PSI of the classes",
      psiText(divergence?.psi),
      divergence ? `by chance up to ${psiText(divergence.psiCritical)}` : "nothing to compare",
    ],
  ];
}
