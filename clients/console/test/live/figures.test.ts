import { expect, test } from "vitest";
import { clock, counted, millisOf, rate, secondsOf, span, took } from "../../src/live/figures.js";

test("rates have one decimal while it says something", () => {
  expect([0, 0.01, 0.2, 12, 12.44, 99.94, 99.96, 1234.4, 2_500_000].map(rate)).toEqual([
    "0",
    "<0.1",
    "0.2",
    "12",
    "12.4",
    "99.9",
    "100",
    "1,234",
    "2.5\u00a0M",
  ]);
});

test("times have the unit that suits them", () => {
  expect([0, 0.000_0042, 0.000_85, 0.0012, 0.012, 0.9994, 0.9996, 61].map(took)).toEqual([
    "0\u00a0µs",
    "4.2\u00a0µs",
    "850\u00a0µs",
    "1.2\u00a0ms",
    "12\u00a0ms",
    "999\u00a0ms",
    "1\u00a0s",
    "61\u00a0s",
  ]);
});

test("lengths of time have the unit that suits them", () => {
  expect([0, 5, 90, 300, 3600, 86_400, 172_800, 604_800].map(span)).toEqual([
    "0\u00a0s",
    "5\u00a0s",
    "1.5\u00a0min",
    "5\u00a0min",
    "1\u00a0h",
    "24\u00a0h",
    "2\u00a0days",
    "7\u00a0days",
  ]);
});

test("moments and lengths are read with their nanoseconds, or not at all", () => {
  expect(millisOf({ seconds: 12n, nanos: 250_000_000 })).toBe(12_250);
  expect(millisOf(undefined)).toBeUndefined();
  expect(secondsOf({ seconds: 0n, nanos: 500_000_000 })).toBe(0.5);
  expect(secondsOf(undefined)).toBe(0);
});

test("a moment of the day has hours, minutes and seconds", () => {
  expect(clock(new Date(2026, 0, 2, 3, 4, 5).getTime())).toMatch(/03.04.05/);
});

test("what is counted has its number", () => {
  expect([0n, 1n, 1234n].map((n) => counted(n, "row"))).toEqual(["0 rows", "1 row", "1,234 rows"]);
});
