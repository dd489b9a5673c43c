import { expect, test } from "vitest";
import {
  areaPath,
  barPath,
  ceiling,
  HEIGHT,
  linePath,
  middleOf,
  stepAt,
  WIDTH,
} from "../../src/live/scale.js";

test("an axis ends at 1, 2 or 5 times a power of ten, and holds all values", () => {
  const ends = [0.0003, 0.2, 0.21, 1, 1.01, 3, 5, 7, 10, 99, 1234].map((most) => ceiling([most]));
  expect(ends).toEqual([0.0005, 0.2, 0.5, 1, 2, 5, 5, 10, 10, 100, 2000]);
  expect(ceiling([1, undefined, 30], [4])).toBe(50);
});

test("an axis of nothing ends at 1, and what is no number does not count", () => {
  expect(ceiling()).toBe(1);
  expect(ceiling([], [undefined, 0])).toBe(1);
  expect(ceiling([Number.NaN, Number.POSITIVE_INFINITY, -3, 2])).toBe(2);
});

test("few steps stand at the right, in the places that they will keep", () => {
  expect(middleOf(59, 60, 60)).toBe(WIDTH - WIDTH / 120);
  expect(middleOf(2, 3, 60)).toBe(middleOf(59, 60, 60));
  expect(middleOf(0, 60, 60)).toBe(WIDTH / 120);
});

test("a place belongs to the step that is drawn there", () => {
  for (const [count, slots] of [
    [60, 60],
    [3, 60],
    [7, 7],
  ] as const) {
    for (let i = 0; i < count; i++) {
      expect(stepAt(middleOf(i, count, slots), count, slots)).toBe(i);
    }
  }
  expect(stepAt(middleOf(0, 60, 60), 3, 60)).toBeUndefined();
  expect(stepAt(WIDTH, 60, 60)).toBeUndefined();
  expect(stepAt(-1, 60, 60)).toBeUndefined();
});

test("a line goes through the values, from the baseline to the top", () => {
  expect(linePath([0, 5, 10], 10, 3)).toBe(`M50 ${HEIGHT}L150 ${HEIGHT / 2}L250 0`);
  expect(linePath([], 10, 3)).toBe("");
});

test("a line breaks where there is no value, and a value alone is a dot", () => {
  expect(linePath([10, undefined, 10], 10, 3)).toBe("M50 0h0M250 0h0");
  expect(linePath([undefined, Number.NaN, 10], 10, 3)).toBe("M250 0h0");
});

test("a value beyond the axis stays within the chart", () => {
  expect(linePath([-1, 20], 10, 2)).toBe(`M75 ${HEIGHT}L225 0`);
});

test("the area under a line reaches the baseline at both ends of each part", () => {
  expect(areaPath([10, 10, undefined, 5], 10, 4)).toBe(
    `M37.5 ${HEIGHT}L37.5 0L112.5 0L112.5 ${HEIGHT}Z` +
      `M262.5 ${HEIGHT}L262.5 ${HEIGHT / 2}L262.5 ${HEIGHT}Z`,
  );
});

test("bars stand on what is under them, and there is none for nothing", () => {
  expect(barPath([5, 0, 5], [], 10, 3)).toBe("M10 72h80V36h-80ZM210 72h80V36h-80Z");
  expect(barPath([5, 5], [5], 10, 2)).toBe("M15 36h120V0h-120ZM165 72h120V36h-120Z");
  expect(barPath([20], [5], 10, 1)).toBe("M30 36h240V0h-240Z");
});
