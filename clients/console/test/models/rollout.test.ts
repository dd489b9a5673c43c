import { describe, expect, test } from "vitest";
import {
  darkLaunches,
  promoted,
  rolesOf,
  segmentsOf,
  stableWeight,
  variantName,
  withoutVariant,
  withShadow,
  withSplit,
} from "../../src/models/rollout.js";
import { rolloutOf } from "./messages.js";

const splits = (edit: ReturnType<typeof withSplit>) =>
  edit.ok ? edit.rollout.variants.map((v) => [variantName(v), v.version, v.weight]) : edit.problem;

describe("segments", () => {
  test("follow each other from the stable version on, and dark launches have none", () => {
    const rollout = rolloutOf(
      {},
      ["canary", "v1.1.0", 1000],
      ["", "v1.2.0", 0],
      ["b", "v2.0.0", 1],
    );
    expect(segmentsOf(rollout)).toEqual([
      { name: "stable", version: "v1.0.0", weight: 8999, left: 0, width: 89.99 },
      { name: "canary", version: "v1.1.0", weight: 1000, left: 89.99, width: 10 },
      { name: "b", version: "v2.0.0", weight: 1, left: 99.99, width: 0.01 },
    ]);
    expect(darkLaunches(rollout).map((v) => v.version)).toEqual(["v1.2.0"]);
    expect(stableWeight(rollout)).toBe(8999);
  });

  test("have no stable part where variants take all", () => {
    const rollout = rolloutOf({}, ["a", "v1.1.0", 10_000]);
    expect(segmentsOf(rollout).map((s) => s.name)).toEqual(["a"]);
  });
});

test("no version answers the stable part where there is none", () => {
  expect(segmentsOf(rolloutOf({ stable: "" }))).toEqual([]);
  expect(segmentsOf(rolloutOf({ stable: "" }, ["a", "v1.1.0", 100])).map((s) => s.name)).toEqual([
    "a",
  ]);
});

test("roles name all that a version does", () => {
  const rollout = rolloutOf(
    { shadows: ["v1.1.0", "v2.0.0"], labels: { champion: "v1.0.0", next: "v1.1.0" } },
    ["canary", "v1.1.0", 50],
    ["", "v1.2.0", 0],
    ["v1.3.0", "v1.3.0", 1],
  );
  expect(rolesOf(rollout, "v1.0.0")).toEqual(["stable", "label champion"]);
  expect(rolesOf(rollout, "v1.1.0")).toEqual(["canary 0.5\u00a0%", "shadow", "label next"]);
  expect(rolesOf(rollout, "v1.2.0")).toEqual(["variant, dark"]);
  expect(rolesOf(rollout, "v1.3.0")).toEqual(["variant 0.01\u00a0%"]);
  expect(rolesOf(rollout, "v9.0.0")).toEqual([]);
});

describe("a split", () => {
  const split = { version: "v1.1.0", weight: 1000, name: "canary" };

  test("adds a variant and leaves the rest alone, the given rollout included", () => {
    const before = rolloutOf({ etag: "e", labels: { a: "v1.0.0" } }, ["b", "v2.0.0", 100]);
    const edit = withSplit(before, split);
    expect(splits(edit)).toEqual([
      ["b", "v2.0.0", 100],
      ["canary", "v1.1.0", 1000],
    ]);
    expect(edit).toMatchObject({
      rollout: { stable: "v1.0.0", etag: "e", labels: { a: "v1.0.0" } },
    });
    expect(before.variants).toHaveLength(1);
  });

  test("changes the variant that there is, in its place, with its name too", () => {
    const before = rolloutOf({}, ["old", "v1.1.0", 9000], ["b", "v2.0.0", 500]);
    expect(splits(withSplit(before, split))).toEqual([
      ["canary", "v1.1.0", 1000],
      ["b", "v2.0.0", 500],
    ]);
  });

  test("takes what the others leave, and no more", () => {
    const before = rolloutOf({}, ["b", "v2.0.0", 9000]);
    expect(withSplit(before, split).ok).toBe(true);
    expect(splits(withSplit(before, { ...split, weight: 1001 }))).toBe(
      "The other variants leave only 10\u00a0%.",
    );
  });

  test("of the stable version is refused", () => {
    expect(splits(withSplit(rolloutOf(), { ...split, version: "v1.0.0" }))).toMatch(
      /stable version/,
    );
  });

  test("needs a name that nothing else has", () => {
    const before = rolloutOf({}, ["b", "v2.0.0", 1], ["", "v1.2.0", 1]);
    for (const name of ["stable", "b", "v1.2.0"]) {
      expect(splits(withSplit(before, { ...split, name }))).toContain(`“${name}”`);
    }
    expect(splits(withSplit(before, { ...split, name: "" }))).toContainEqual([
      "v1.1.0",
      "v1.1.0",
      1000,
    ]);
  });
});

test("a promoted version is stable, without variants or shadows of its own", () => {
  const before = rolloutOf(
    { shadows: ["v1.1.0", "v2.0.0"] },
    ["a", "v1.1.0", 100],
    ["b", "v2.0.0", 200],
    ["c", "v1.1.0", 0],
  );
  const after = promoted(before, "v1.1.0");
  expect(after.stable).toBe("v1.1.0");
  expect(after.variants.map(variantName)).toEqual(["b"]);
  expect(after.shadows).toEqual(["v2.0.0"]);
  expect(before.stable).toBe("v1.0.0");
});

test("a variant is taken away by its name", () => {
  const before = rolloutOf({}, ["a", "v1.1.0", 100], ["", "v2.0.0", 200]);
  expect(withoutVariant(before, "v2.0.0").variants.map(variantName)).toEqual(["a"]);
  expect(stableWeight(withoutVariant(before, "a"))).toBe(9800);
});

test("a shadow is switched on once, and off", () => {
  const on = withShadow(rolloutOf({ shadows: ["v1.1.0"] }), "v2.0.0", true);
  expect(withShadow(on, "v2.0.0", true).shadows).toEqual(["v1.1.0", "v2.0.0"]);
  expect(withShadow(on, "v1.1.0", false).shadows).toEqual(["v2.0.0"]);
});
