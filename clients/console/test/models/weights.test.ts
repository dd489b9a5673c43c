import { expect, test } from "vitest";
import { parseShare, share } from "../../src/models/weights.js";

test("a weight is written as per cent without rounding", () => {
  expect([0, 1, 29, 57, 100, 1234, 1250, 5801, 10_000].map(share)).toEqual([
    "0\u00a0%",
    "0.01\u00a0%",
    "0.29\u00a0%",
    "0.57\u00a0%",
    "1\u00a0%",
    "12.34\u00a0%",
    "12.5\u00a0%",
    "58.01\u00a0%",
    "100\u00a0%",
  ]);
});

test("every weight is read back from what is written of it", () => {
  for (let weight = 0; weight <= 10_000; weight++) {
    expect(parseShare(share(weight))).toEqual({ ok: true, weight });
  }
});

test.each([
  ["5", 500],
  [" 0.25 % ", 25],
  ["12,5", 1250],
  [".5", 50],
  ["7.", 700],
  ["007", 700],
])("%j is a share", (text, weight) => {
  expect(parseShare(text)).toEqual({ ok: true, weight });
});

test.each([
  ["", /^Enter a share/],
  ["five", /^Enter a share/],
  ["-1", /^Enter a share/],
  ["1e1", /^Enter a share/],
  ["1.2.3", /^Enter a share/],
  [".", /^Enter a share/],
  ["0.005", /steps of 0\.01/],
  ["100.01", /at most 100/],
  ["9".repeat(400), /^/],
])("%j is refused", (text, problem) => {
  expect(parseShare(text)).toMatchObject({ ok: false, problem: expect.stringMatching(problem) });
});
