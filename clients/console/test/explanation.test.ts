import { expect, test } from "vitest";
import { leadOf } from "../src/explanation.js";

const margin = Math.log(3.2);

test("the predicted class is compared with the runner-up", () => {
  expect(leadOf({ class: "a", against: "b", margin }, "the mean training row")).toBe(
    "a is 3.2 times as likely as b. Each bar is what a value adds to the log-odds between the two, " +
      "compared with the mean training row.",
  );
  expect(leadOf({ class: "a", against: "b", margin: -1e-16 }, "")).toMatch(
    /^a is about as likely as b\./,
  );
});

test("a classifier of its own says nothing of how likely its class is in the end", () => {
  for (const sign of [1, -1]) {
    const lead = leadOf({ class: "a", against: "", margin: sign * margin }, "the reference row");
    expect(lead).toMatch(/^Fitted one class against the rest: .* the classifier of a alone/);
    expect(lead).toContain("compared with the reference row.");
    expect(lead).not.toContain("likely");
  }
});
