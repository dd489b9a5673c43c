import { create, ShadowAgreementSchema, TrainingReportSchema } from "@sepal-ml/client";
import { expect, test } from "vitest";
import { agreementLine, evidenceOf, fileSize, shortDigest } from "../../src/models/facts.js";

test("the evidence is cross-validation before held-out rows", () => {
  const holdOut = { rows: 1200, accuracy: 0.95, logLoss: 0.0001 };
  const crossValidation = { folds: 5, accuracyMean: 0.9733, logLossMean: 0.12345 };
  expect(evidenceOf(create(TrainingReportSchema, { holdOut, crossValidation }))).toEqual({
    accuracy: "97.3\u00a0%",
    logLoss: "0.123",
    basis: "5-fold cross-validation",
  });
  expect(evidenceOf(create(TrainingReportSchema, { holdOut }))).toEqual({
    accuracy: "95.0\u00a0%",
    logLoss: "<0.001",
    basis: "1,200 rows held out",
  });
  expect(evidenceOf(create(TrainingReportSchema))).toBeUndefined();
  expect(evidenceOf(undefined)).toBeUndefined();
});

test("sizes have the unit that suits them", () => {
  expect([0, 999, 1000, 4210, 999_949, 999_950, 67_108_864].map(fileSize)).toEqual([
    "0 B",
    "999 B",
    "1.0 kB",
    "4.2 kB",
    "999.9 kB",
    "1.0 MB",
    "67.1 MB",
  ]);
});

test("a digest is shortened", () => {
  expect(shortDigest("0123456789abcdef")).toBe("0123456789ab");
  expect(shortDigest("")).toBe("");
});

test("a shadow's agreement is told in a sentence", () => {
  const line = (fields: object) =>
    agreementLine(create(ShadowAgreementSchema, { version: "v1.0.0", ...fields }));
  expect(line({ rows: 1500n, agreed: 1485n, meanDifference: 0.01234 })).toBe(
    "Agrees with v1.0.0 on 99.0\u00a0% of 1,500 rows; probabilities differ by 0.0123 on average.",
  );
  expect(line({ rows: 1n, agreed: 1n, failed: 2n, meanDifference: 0.00001 })).toBe(
    "Agrees with v1.0.0 on 100\u00a0% of 1 row; probabilities differ by less than 0.0001 on average. " +
      "It could not score 2.",
  );
  expect(line({})).toBe("No row of v1.0.0 compared yet.");
});
