import { ActivitySchema, create } from "@sepal-ml/client";
import { expect, test } from "vitest";
import { said, seriesOf, sum } from "../../src/live/series.js";
import { rowsOf } from "../../src/live/table.js";
import { activityOf, START } from "./messages.js";

const busy = {
  requests: 10n,
  refused: 2n,
  failed: 1n,
  predictions: 40n,
  latency: { p50Seconds: 0.001, p90Seconds: 0.002, p99Seconds: 0.004, maxSeconds: 0.1 },
  meanConfidence: 0.9,
  lowConfidence: 4n,
};

test("a server that has just started has no points, and a chart of nothing", () => {
  const series = seriesOf(create(ActivitySchema));
  expect(series).toMatchObject({ slots: 60, stepSeconds: 1, ends: [], requests: [], p99: [] });
  expect(rowsOf(series)).toEqual([]);
  expect(said(series.p99, String)).toBe("nothing yet");
});

test("counts are per second, and shares are of the predictions", () => {
  const series = seriesOf(activityOf(busy));
  expect(series).toMatchObject({
    stepSeconds: 5,
    ends: [(START + 5) * 1000],
    requests: [2],
    predictions: [8],
    p50: [0.001],
    p90: [0.002],
    p99: [0.004],
    refused: [2],
    failed: [1],
    confidence: [0.9],
    unsure: [0.1],
  });
});

test("where nothing was answered there is no latency and no confidence, not one of 0", () => {
  const series = seriesOf(activityOf({}, busy));
  expect(series.requests).toEqual([0, 2]);
  for (const values of [series.p50, series.p99, series.confidence, series.unsure]) {
    expect(values[0]).toBeUndefined();
    expect(values[1]).toBeDefined();
  }
});

test("a server that tells more steps than usual has room for them", () => {
  expect(seriesOf(activityOf(...Array(90).fill({}))).slots).toBe(90);
});

test("a series is said by its last, its least and its most", () => {
  expect(said([3, undefined, 1, 2], String)).toBe("last 2, least 1, most 3");
  expect(said([3, undefined], String)).toBe("none in the last step, least 3, most 3");
});

test("the table has the newest first, and dashes where there is nothing", () => {
  const rows = rowsOf(seriesOf(activityOf({}, busy)));
  expect(rows.map(([, ...cells]) => cells)).toEqual([
    ["2", "8", "1\u00a0ms", "2\u00a0ms", "4\u00a0ms", "2", "1", "90.0\u00a0%", "10.0\u00a0%"],
    ["0", "0", "–", "–", "–", "0", "0", "–", "–"],
  ]);
  expect(sum([1, 2, 3])).toBe(6);
});
