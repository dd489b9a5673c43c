import { expect, test } from "vitest";
import { comparison } from "../src/explanation.js";

test("the likelier side comes first, and no runner-up is the rest", () => {
  const margin = Math.log(3.2);
  expect(comparison({ class: "a", against: "b", margin })).toBe("a is 3.2 times as likely as b");
  expect(comparison({ class: "a", against: "", margin })).toBe(
    "a is 3.2 times as likely as the rest",
  );
  expect(comparison({ class: "a", against: "", margin: -margin })).toBe(
    "the rest is 3.2 times as likely as a",
  );
});
