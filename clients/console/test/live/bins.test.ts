import { expect, test } from "vitest";
import {
  BIN_HEIGHT,
  binBars,
  binNames,
  binOutline,
  edgeTexts,
  labelledEdges,
  topOf,
} from "../../src/live/bins.js";

test("bins are named by their edges, with the unit once", () => {
  expect(binNames([4.8, 5.1], "cm")).toEqual(["below 4.8 cm", "4.8 to 5.1 cm", "5.1 cm and above"]);
  expect(binNames([-1], "")).toEqual(["below \u22121", "\u22121 and above"]);
  expect(binNames([], "cm")).toEqual(["all values"]);
});

test("edges have few digits, but enough to differ", () => {
  expect(edgeTexts([0.1 + 0.2, 1 / 3])).toEqual(["0.3", "0.3333"]);
  expect(edgeTexts([100_000.1, 100_000.2])).toEqual(["100000.1", "100000.2"]);
  expect(edgeTexts([1, 1])).toEqual(["1", "1"]);
});

test("a few edges are written, with both ends", () => {
  expect(labelledEdges(0, 4)).toEqual([]);
  expect(labelledEdges(3, 4)).toEqual([0, 1, 2]);
  expect(labelledEdges(9, 4)).toEqual([0, 3, 5, 8]);
  expect(labelledEdges(99, 4)).toEqual([0, 33, 65, 98]);
});

test("the largest share fills the height, in training or now", () => {
  expect(topOf([0.1, 0.4], [0.2, 0.3])).toBe(0.4);
  expect(topOf([], [])).toBe(1);
  expect(topOf([0], [Number.NaN])).toBe(1);
});

test("bars of the bins have heights in proportion, and none for nothing", () => {
  expect(binBars([0.5, 0, 0.25], 0.5)).toBe(
    `M0.8 ${BIN_HEIGHT}V0h8.4V${BIN_HEIGHT}ZM20.8 ${BIN_HEIGHT}V${BIN_HEIGHT / 2}h8.4V${BIN_HEIGHT}Z`,
  );
  expect(binBars([], 1)).toBe("");
  expect(binBars([Number.NaN], 1)).toBe("");
});

test("the outline goes over the bins from the baseline to the baseline", () => {
  expect(binOutline([0.5, 0.25], 0.5)).toBe(
    `M0 ${BIN_HEIGHT}V0h10V${BIN_HEIGHT / 2}h10V${BIN_HEIGHT}`,
  );
  expect(binOutline([], 1)).toBe("");
});
