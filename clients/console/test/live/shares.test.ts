import { expect, test } from "vitest";
import { pairsOf, sharesOf } from "../../src/live/shares.js";

test("counts become shares, in the order of the model", () => {
  expect(sharesOf(["a", "b"], [1n, 3n], 5)).toEqual([
    { name: "a", share: 0.25 },
    { name: "b", share: 0.75 },
  ]);
  expect(sharesOf(["a", "b"], [0n, 0n], 5)).toEqual([]);
  expect(sharesOf([], [], 5)).toEqual([]);
});

test("of many classes the largest keep their names, and the others are one", () => {
  const shares = sharesOf(["a", "b", "c", "d"], [10, 40, 20, 30], 2);
  expect(shares.map(({ name }) => name)).toEqual(["b", "d", "2 others"]);
  expect(shares[2]?.share).toBeCloseTo(0.3);
  // One other takes no more room than its name.
  expect(sharesOf(["a", "b", "c"], [1, 2, 3], 2).map(({ name }) => name)).toEqual(["a", "b", "c"]);
});

test("counts that the server left out are none", () => {
  expect(sharesOf(["a", "b"], [4n], 5).map(({ share }) => share)).toEqual([1, 0]);
});

test("of many categories those that differ the most are shown, in their order", () => {
  const { pairs, left } = pairsOf(
    ["a", "b", "c", "d"],
    [0.4, 0.3, 0.2, 0.1],
    [0.1, 0.3, 0.2, 0.4],
    2,
  );
  expect(pairs).toEqual([
    { name: "a", reference: 0.4, now: 0.1 },
    { name: "d", reference: 0.1, now: 0.4 },
  ]);
  expect(left).toBe(2);
});
