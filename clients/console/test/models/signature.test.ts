import { create, ModelVersionSchema } from "@sepal-ml/client";
import { expect, test } from "vitest";
import { promoted, withSplit } from "../../src/models/rollout.js";
import { differencesOf, warningsOf } from "../../src/models/signature.js";
import { rolloutOf } from "./messages.js";

type Kind = "number" | string[];

/** A version with features by name and kind. */
function versionOf(
  version: string,
  features: Record<string, Kind>,
  classes: string[],
  more: { unit?: string; impute?: number } = {},
) {
  return create(ModelVersionSchema, {
    version,
    classes,
    signature: {
      features: Object.entries(features).map(([name, kind]) => ({
        name,
        unit: more.unit ?? "",
        kind:
          kind === "number"
            ? {
                case: "numeric" as const,
                value: more.impute === undefined ? {} : { impute: more.impute },
              }
            : { case: "categorical" as const, value: { categories: kind as string[] } },
      })),
    },
  });
}

const stable = versionOf("v1.0.0", { length: "number", colour: ["red", "blue"] }, ["a", "b"]);

const differing = (features: Record<string, Kind>, classes: string[]) =>
  differencesOf(stable, versionOf("v2.0.0", features, classes));

test("versions that take and answer the same do not differ", () => {
  expect(differencesOf(stable, stable)).toEqual([]);
  const grown = { length: "number" as const, colour: ["red", "blue", "green"] };
  expect(differing(grown, ["a", "b"])).toEqual([]);
});

test("features differ in their names, their places and their kinds", () => {
  expect(differing({ colour: ["red", "blue"], width: "number" }, ["a", "b"])).toEqual([
    "feature “length” is gone",
    "feature “colour” is at position 0, not 1",
    "feature “width” is new",
  ]);
  expect(differing({ length: ["short", "long"], colour: ["blue", "red"] }, ["a", "b"])).toEqual([
    "feature “length” is categorical, not numeric",
    "feature “colour” has other categories",
  ]);
  expect(differing({ length: "number", colour: ["red"] }, ["a", "b"])).toEqual([
    "feature “colour” has other categories",
  ]);
});

test("features differ in their units, and in whether they may be missing", () => {
  const was = versionOf("v1.0.0", { length: "number" }, ["a", "b"], { unit: "cm", impute: 0 });
  const is = versionOf("v2.0.0", { length: "number" }, ["a", "b"], { unit: "mm" });
  expect(differencesOf(was, is)).toEqual([
    "feature “length” must not be missing any more",
    "feature “length” is in mm, not cm",
  ]);
});

test("classes differ in their names and their places", () => {
  const features = { length: "number" as const, colour: ["red", "blue"] };
  expect(differing(features, ["b", "c"])).toEqual([
    "class “a” is gone",
    "class “b” is at position 0, not 1",
    "class “c” is new",
  ]);
});

test("a version that could not be loaded is compared with nothing", () => {
  const failed = create(ModelVersionSchema, { version: "v2.0.0" });
  expect(differencesOf(stable, failed)).toEqual([]);
  expect(differencesOf(failed, stable)).toEqual([]);
});

test("a change warns of the versions that it gives more requests to", () => {
  const other = versionOf("v2.0.0", { length: "number" }, ["a", "b"]);
  const known = { stable, versions: [other, stable] };
  const before = rolloutOf({}, ["canary", "v2.0.0", 1000]);
  const warning = {
    version: "v2.0.0",
    stable: "v1.0.0",
    differences: ["feature “colour” is gone"],
  };
  expect(warningsOf(known, before, promoted(before, "v2.0.0"))).toEqual([warning]);
  const to = (weight: number) => {
    const edit = withSplit(before, { version: "v2.0.0", weight, name: "canary" });
    if (!edit.ok) throw new Error(edit.problem);
    return warningsOf(known, before, edit.rollout);
  };
  expect(to(2000)).toEqual([warning]);
  expect(to(500)).toEqual([]);
  expect(to(0)).toEqual([]);
});

test("a change to versions that are not known warns of nothing", () => {
  const before = rolloutOf();
  const after = promoted(before, "v2.0.0");
  const other = versionOf("v2.0.0", { length: "number" }, ["a", "b"]);
  expect(warningsOf({ stable, versions: [stable] }, before, after)).toEqual([]);
  expect(warningsOf({ stable: undefined, versions: [other] }, before, after)).toEqual([]);
  expect(warningsOf({ stable: other, versions: [other] }, before, after)).toEqual([]);
});
