import { expect, test } from "vitest";
import { byPowersOfTen, fromZero, holding, ofShares } from "../../src/live/axis.js";

test("an axis from 0 has its end written, and its values in proportion", () => {
  const axis = fromZero(4, String);
  expect([0, 1, 4].map(axis.place)).toEqual([0, 0.25, 1]);
  expect([axis.bottomText, axis.topText]).toEqual(["", "4"]);
  expect(holding([[3], [undefined, 7]], String).topText).toBe("10");
});

test("shares go no further than the whole", () => {
  expect(ofShares([0.03, undefined], String).topText).toBe("0.05");
  expect(ofShares([1], String).topText).toBe("1");
  expect(ofShares([], String).topText).toBe("1");
});

test("powers of ten have the same room each, and both ends are written", () => {
  const axis = byPowersOfTen([[0.002, undefined], [0.4]], String);
  expect([axis.bottomText, axis.topText]).toEqual(["0.001", "1"]);
  for (const [value, place] of [
    [0.001, 0],
    [0.01, 1 / 3],
    [0.1, 2 / 3],
    [1, 1],
  ] as const) {
    expect(axis.place(value)).toBeCloseTo(place);
  }
});

test("powers of ten have room for equal values, and for none", () => {
  const axis = byPowersOfTen([[0.01, 0.01]], String);
  expect([axis.bottomText, axis.topText]).toEqual(["0.01", "0.1"]);
  const none = byPowersOfTen([[], [undefined]], String);
  expect([none.bottomText, none.topText, none.place(0.5)]).toEqual(["", "", 0.5]);
  expect(axis.place(0)).toBe(0);
});
