import type { Rollout } from "@sepal-ml/client";
import { segmentsOf, variantName } from "./rollout.js";
import { share } from "./weights.js";

/** The share of the requests that a version answers, before and after. */
export interface ShareChange {
  version: string;
  before: number;
  after: number;
}

/** Which versions answer what share, before and after; those with none in both left out. */
export function sharesOf(before: Rollout, after: Rollout): ShareChange[] {
  const changes = new Map<string, ShareChange>();
  for (const [side, rollout] of [["before", before] as const, ["after", after] as const]) {
    for (const { version, weight } of segmentsOf(rollout)) {
      const change = changes.get(version) ?? { version, before: 0, after: 0 };
      change[side] += weight;
      changes.set(version, change);
    }
  }
  return [...changes.values()];
}

/** Says what a change of the rollout means, one sentence per thing. Empty: nothing changes. */
export function changesOf(before: Rollout, after: Rollout): string[] {
  const said: string[] = [];
  if (before.stable !== after.stable) {
    said.push(
      `${after.stable || "No version"} becomes the stable version in place of ${before.stable || "none"}.`,
    );
  }
  said.push(...variantChanges(before, after), ...shadowChanges(before, after));
  said.push(...labelChanges(before.labels, after.labels));
  if (after.seed !== "" && before.seed !== after.seed) {
    said.push("The seed changes: all subjects are divided anew.");
  }
  return said;
}

function variantChanges(before: Rollout, after: Rollout): string[] {
  const old = new Map(before.variants.map((v) => [variantName(v), v]));
  const said: string[] = [];
  for (const variant of after.variants) {
    const name = variantName(variant);
    const was = old.get(name);
    old.delete(name);
    const which = name === variant.version ? name : `${name} (${variant.version})`;
    if (!was) {
      said.push(
        variant.weight === 0
          ? `${which} is added as a dark launch: it answers only those who name ${variant.version}.`
          : `${which} gets ${share(variant.weight)} of the requests.`,
      );
      continue;
    }
    if (was.version !== variant.version) {
      said.push(`${name} answers with ${variant.version} in place of ${was.version}.`);
    }
    if (was.weight !== variant.weight) {
      said.push(
        `${which} goes from ${share(was.weight)} to ${share(variant.weight)} of the requests.`,
      );
    }
  }
  for (const [name, { version, weight }] of old) {
    const which = name === version ? name : `${name} (${version})`;
    said.push(`The variant ${which}, which had ${share(weight)}, is taken away.`);
  }
  return said;
}

function shadowChanges(before: Rollout, after: Rollout): string[] {
  const added = after.shadows.filter((version) => !before.shadows.includes(version));
  const removed = before.shadows.filter((version) => !after.shadows.includes(version));
  return [
    ...added.map((version) => `${version} is scored in the shadow: compared, never answered.`),
    ...removed.map((version) => `${version} is no longer scored in the shadow.`),
  ];
}

function labelChanges(before: Rollout["labels"], after: Rollout["labels"]): string[] {
  const labels = [...new Set([...Object.keys(before), ...Object.keys(after)])].sort();
  return labels.flatMap((label) => {
    const [was, is] = [before[label], after[label]];
    if (was === is) return [];
    if (is === undefined) return [`The label ${label}, which named ${was}, is taken away.`];
    return [`The label ${label} names ${is}${was === undefined ? "" : ` in place of ${was}`}.`];
  });
}
