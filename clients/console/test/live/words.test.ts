import { DriftState } from "@sepal-ml/client";
import { expect, test } from "vitest";
import { byPsi, psiText, stateWord, verdictOf } from "../../src/live/words.js";
import { reportOf } from "./messages.js";

const { DRIFTED, STABLE, NOT_ENOUGH_DATA, NO_REFERENCE, UNSPECIFIED } = DriftState;

const features = (...states: DriftState[]) =>
  states.map((state, i) => ({ feature: `f${i}`, state }));

test.each([
  ["an empty server", { state: NOT_ENOUGH_DATA }, "Not enough data: 0 of 200 rows."],
  ["too few rows", { state: NOT_ENOUGH_DATA, rows: 120n }, "Not enough data: 120 of 200 rows."],
  [
    "rows without values",
    { state: NOT_ENOUGH_DATA, rows: 2000n },
    "Not enough data: too few of the rows have values.",
  ],
  ["no drift", { state: STABLE, rows: 2000n }, "Nothing has drifted that matters."],
  [
    "one feature",
    { state: DRIFTED, features: features(DRIFTED, STABLE, STABLE) },
    "1 of 3 features has drifted.",
  ],
  [
    "features and classes",
    { state: DRIFTED, features: features(DRIFTED, DRIFTED), predictions: { state: DRIFTED } },
    "2 of 2 features and the predicted classes have drifted.",
  ],
  [
    "classes alone",
    { state: DRIFTED, features: features(STABLE), predictions: { state: DRIFTED } },
    "The predicted classes have drifted.",
  ],
  [
    "a feature gone missing",
    { state: STABLE, rows: 2000n, features: [{ feature: "age", missingShare: 1 }, {}] },
    "age is missing in many more rows than in training.",
  ],
  [
    "drift, and features gone missing",
    {
      state: DRIFTED,
      rows: 2000n,
      features: [{ missingShare: 0.5 }, { missingShare: 0.9 }, { state: DRIFTED }],
    },
    "1 of 3 features has drifted. 2 features are missing in many more rows than in training.",
  ],
  [
    "what was missing in training too",
    {
      state: STABLE,
      rows: 2000n,
      features: [{ missingShare: 0.5, referenceMissingShare: 0.4 }],
    },
    "Nothing has drifted that matters.",
  ],
  ["what is not told", { state: DRIFTED }, "The rows differ from those of training."],
  ["what is not said", { state: UNSPECIFIED }, "The server does not say."],
])("%s is said in a sentence", (_, fields, sentence) => {
  expect(verdictOf(reportOf(fields)).sentence).toBe(sentence);
});

test("a model without a reference says that there is nothing to compare with", () => {
  const verdict = verdictOf(reportOf({ state: NO_REFERENCE, referenceRows: 0n }));
  expect(verdict).toMatchObject({ word: "no reference", kind: "" });
  expect(verdict.sentence).toContain("no reference profile");
});

test("only drift looks like danger", () => {
  const kinds = [DRIFTED, STABLE, NOT_ENOUGH_DATA, NO_REFERENCE, UNSPECIFIED].map(
    (state) => verdictOf(reportOf({ state })).kind,
  );
  expect(kinds).toEqual(["danger", "strong", "", "", ""]);
});

test("a feature has a word where it says more than the report", () => {
  const [none] = reportOf({ features: [{ state: NOT_ENOUGH_DATA }] }).features;
  const [few] = reportOf({ features: [{ state: NOT_ENOUGH_DATA, divergence: {} }] }).features;
  const [drifted, stable] = reportOf({ features: features(DRIFTED, STABLE) }).features;
  expect([none, few, drifted, stable].map((f) => f && stateWord(f))).toEqual([
    "no values",
    "",
    "drifted",
    "stable",
  ]);
});

test("a PSI has two decimals, and is never rounded to nothing", () => {
  expect([undefined, 0, 0.004, 0.005, 0.204, 12.3456, 1234].map(psiText)).toEqual([
    "–",
    "0.00",
    "<0.01",
    "0.01",
    "0.20",
    "12.35",
    "1,234",
  ]);
});

test("what went missing comes first, then the worst, equals in their order", () => {
  const psis = [0.1, undefined, 0.5, 0, 0.5, undefined];
  const report = reportOf({
    features: psis.map((psi, i) => ({
      feature: `f${i}`,
      ...(psi !== undefined && { divergence: { psi } }),
      missingShare: i === 5 ? 1 : 0,
    })),
  });
  const names = byPsi(report.features).map((f) => f.feature);
  expect(names).toEqual(["f5", "f2", "f4", "f0", "f3", "f1"]);
});
