import { describe, expect, test } from "vitest";
import { changesOf, sharesOf } from "../../src/models/changes.js";
import { promoted, withShadow } from "../../src/models/rollout.js";
import { rolloutOf } from "./messages.js";

describe("the shares of the versions", () => {
  test("stand beside each other, before and after", () => {
    const before = rolloutOf({}, ["canary", "v1.1.0", 2500]);
    expect(sharesOf(before, promoted(before, "v1.1.0"))).toEqual([
      { version: "v1.0.0", before: 7500, after: 0 },
      { version: "v1.1.0", before: 2500, after: 10_000 },
    ]);
  });

  test("are summed over the variants of a version", () => {
    const rollout = rolloutOf({}, ["a", "v1.1.0", 1000], ["b", "v1.1.0", 500]);
    expect(sharesOf(rollout, rollout)[1]).toEqual({ version: "v1.1.0", before: 1500, after: 1500 });
  });
});

describe("the words for a change", () => {
  test("are none where nothing changes", () => {
    const rollout = rolloutOf({ shadows: ["v2.0.0"], labels: { a: "v1.0.0" } }, ["x", "v1.1.0", 5]);
    expect(changesOf(rollout, { ...rollout, revision: 7, etag: "other" })).toEqual([]);
  });

  test("tell a promotion", () => {
    const before = rolloutOf({}, ["canary", "v1.1.0", 2500]);
    expect(changesOf(before, promoted(before, "v1.1.0"))).toEqual([
      "v1.1.0 becomes the stable version in place of v1.0.0.",
      "The variant canary (v1.1.0), which had 25\u00a0%, is taken away.",
    ]);
  });

  test("tell what becomes of each variant", () => {
    const before = rolloutOf({}, ["a", "v1.1.0", 100], ["b", "v1.2.0", 200], ["", "v1.3.0", 1]);
    const after = rolloutOf(
      {},
      ["a", "v1.1.0", 150],
      ["b", "v2.0.0", 200],
      ["c", "v2.1.0", 5],
      ["d", "v2.2.0", 0],
    );
    expect(changesOf(before, after)).toEqual([
      "a (v1.1.0) goes from 1\u00a0% to 1.5\u00a0% of the requests.",
      "b answers with v2.0.0 in place of v1.2.0.",
      "c (v2.1.0) gets 0.05\u00a0% of the requests.",
      "d (v2.2.0) is added as a dark launch: it answers only those who name v2.2.0.",
      "The variant v1.3.0, which had 0.01\u00a0%, is taken away.",
    ]);
  });

  test("tell shadows, labels and the seed", () => {
    const before = rolloutOf({
      shadows: ["v1.1.0"],
      labels: { a: "v1.0.0", b: "v1.0.0" },
      seed: "s",
    });
    const after = {
      ...withShadow(withShadow(before, "v1.1.0", false), "v2.0.0", true),
      labels: { b: "v1.1.0", c: "v1.1.0" },
      seed: "t",
    };
    expect(changesOf(before, after)).toEqual([
      "v2.0.0 is scored in the shadow: compared, never answered.",
      "v1.1.0 is no longer scored in the shadow.",
      "The label a, which named v1.0.0, is taken away.",
      "The label b names v1.1.0 in place of v1.0.0.",
      "The label c names v1.1.0.",
      "The seed changes: all subjects are divided anew.",
    ]);
  });
});
