import { expect, test } from "vitest";
import { differences } from "../e2e/differences.js";

test("equal values, and numbers within the tolerance, do not differ", () => {
  const expected = { a: [1, "x", null, true], b: { c: 1e6 }, digest: "*" };
  const actual = { b: { c: 1e6 + 5e-4 }, a: [1 + 5e-10, "x", null, true], digest: "ab12" };
  expect(differences(actual, expected)).toEqual([]);
});

test("the time of a file is not compared, but it is a text where there is one", () => {
  expect(differences({ modifiedTime: "2026-01-01T00:00:00Z" }, {})).toEqual([]);
  expect(differences({ modifiedTime: 1 }, {})).toEqual([
    "response.modifiedTime: expected nothing, found 1",
  ]);
});

test("every difference is named by its place", () => {
  const expected = { a: [1, 2], b: { c: 0.5 }, d: null, e: "1", digest: "*", g: {} };
  const actual = { a: [1], b: { c: 0.500001 }, d: 0, e: 1, f: false, g: [] };
  expect(differences(actual, expected)).toEqual([
    "response.a[1]: expected 2, found nothing",
    "response.b.c: expected 0.5, found 0.500001",
    "response.d: expected null, found 0",
    'response.e: expected "1", found 1',
    'response.digest: expected "*", found nothing',
    "response.g: expected {}, found []",
    "response.f: expected nothing, found false",
  ]);
});
