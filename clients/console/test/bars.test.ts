import { describe, expect, test } from "vitest";
import { arrangeContributions, arrangeScores, probabilityBar, signedBars } from "../src/bars.js";

test("a probability's bar is its share of the track", () => {
  expect(probabilityBar(0)).toEqual({ left: 0, width: 0 });
  expect(probabilityBar(0.25)).toEqual({ left: 0, width: 25 });
  expect(probabilityBar(1 + 1e-16)).toEqual({ left: 0, width: 100 });
});

describe("signed bars", () => {
  test("stand on their side of the axis, and the largest fills its half", () => {
    expect(signedBars([4, -2, 0, -4])).toEqual([
      { left: 50, width: 50 },
      { left: 25, width: 25 },
      { left: 50, width: 0 },
      { left: 0, width: 50 },
    ]);
  });

  test("end at the axis when they are negative, whatever the scale", () => {
    for (const { left, width } of signedBars([-0.001, -3, -1e-9, -700])) {
      expect(left + width).toBeCloseTo(50, 9);
      expect(left).toBeGreaterThanOrEqual(0);
    }
  });

  test("are empty where nothing contributes", () => {
    expect(signedBars([0, 0])).toEqual([
      { left: 50, width: 0 },
      { left: 50, width: 0 },
    ]);
    expect(signedBars([])).toEqual([]);
  });
});

describe("arranged scores", () => {
  const scores = [
    { class: "c", probability: 0.6 },
    { class: "a", probability: 0.3 },
    { class: "b", probability: 0.1 },
  ];

  test("keep the model's order while there are few", () => {
    const { rows, others } = arrangeScores(scores, ["a", "b", "c"], 3);
    expect(rows.map((row) => row.class)).toEqual(["a", "b", "c"]);
    expect(others.count).toBe(0);
  });

  test("list the best and sum up the rest when there are many", () => {
    const { rows, others } = arrangeScores(scores, ["a", "b", "c"], 1);
    expect(rows.map((row) => row.class)).toEqual(["c"]);
    expect(others.count).toBe(2);
    expect(others.probability).toBeCloseTo(0.4, 12);
  });
});

describe("arranged contributions", () => {
  const contributions = [
    { feature: "a", contribution: 0.5 },
    { feature: "b", contribution: -3 },
    { feature: "c", contribution: 1 },
  ];

  test("keep the signature's order while there are few", () => {
    const { rows, others } = arrangeContributions(contributions, 3);
    expect(rows).toEqual(contributions);
    expect(others).toEqual({ count: 0, contribution: 0 });
  });

  test("list the largest in magnitude and sum up the rest when there are many", () => {
    const { rows, others } = arrangeContributions(contributions, 1);
    expect(rows.map((row) => row.feature)).toEqual(["b"]);
    expect(others).toEqual({ count: 2, contribution: 1.5 });
  });
});
