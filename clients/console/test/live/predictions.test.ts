import { expect, test } from "vitest";
import { factsOf } from "../../src/live/predictions.js";
import { reportOf } from "./messages.js";

const of = (fields: object) => {
  const { predictions } = reportOf({ predictions: fields });
  if (!predictions) throw new Error("no predictions");
  return predictions;
};

test("what is not known is a dash, and not 0", () => {
  const facts = factsOf(of({ referenceMeanConfidence: 0.95, confidenceThreshold: 0.6 }), false);
  expect(facts.map(([, value]) => value)).toEqual(["–", "–", "–", "–"]);
  expect(facts.map(([, , detail]) => detail)).toEqual([
    "was 95.0\u00a0% in training",
    "no rows were held out in training",
    "confidence below 60.0\u00a0%",
    "nothing to compare",
  ]);
});

test("what is known is said beside what it was in training", () => {
  const facts = factsOf(
    of({
      meanConfidence: 0.8,
      referenceMeanConfidence: 0.95,
      estimatedAccuracy: 0.8,
      referenceAccuracy: 0.967,
      lowConfidenceShare: 0,
      confidenceThreshold: 0.6,
      divergence: { psi: 0.25, psiCritical: 0.09 },
    }),
    true,
  );
  expect(facts).toEqual([
    ["Mean confidence", "80.0\u00a0%", "was 95.0\u00a0% in training"],
    ["Accuracy, estimated", "80.0\u00a0%", "96.7\u00a0% on rows held out in training"],
    ["Unsure", "0\u00a0%", "confidence below 60.0\u00a0%"],
    ["PSI of the classes", "0.25", "by chance up to 0.09"],
  ]);
});
