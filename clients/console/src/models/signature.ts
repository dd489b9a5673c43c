import type { Feature, ModelVersion, Rollout } from "@sepal-ml/client";
import { sharesOf } from "./changes.js";
import type { Snapshot } from "./snapshot.js";

/** A version that is to answer more requests, and takes or answers something else than before. */
export interface SignatureWarning {
  version: string;
  stable: string;
  /** What differs from the stable version, one phrase per thing. */
  differences: string[];
}

/**
 * Finds the versions that a change gives more requests to, and that differ from what is stable
 * before it. Versions that the page does not know are left out.
 */
export function warningsOf(
  { versions, stable }: Pick<Snapshot, "versions" | "stable">,
  before: Rollout,
  after: Rollout,
): SignatureWarning[] {
  if (!stable || stable.version !== before.stable) return [];
  return sharesOf(before, after)
    .filter((change) => change.after > change.before)
    .flatMap(({ version: name }) => {
      const version = versions.find((v) => v.version === name);
      const differences = version ? differencesOf(stable, version) : [];
      if (differences.length === 0) return [];
      return [{ version: name, stable: stable.version, differences }];
    });
}

type Described = Pick<ModelVersion, "signature" | "classes">;

/**
 * Says how one version differs from another in what rows it takes and in which classes it
 * answers. None where one of them is not described, since it could not be loaded.
 */
export function differencesOf(was: Described, is: Described): string[] {
  if (!was.signature || !is.signature) return [];
  const [before, after] = [was.signature.features, is.signature.features];
  const said = placesOf("feature", namesOf(before), namesOf(after));
  for (const feature of before) {
    const now = after.find(({ name }) => name === feature.name);
    if (now) said.push(...valueDifferences(feature, now));
  }
  return [...said, ...placesOf("class", was.classes, is.classes)];
}

function namesOf(features: readonly Feature[]): string[] {
  return features.map(({ name }) => name);
}

function placesOf(what: string, was: readonly string[], is: readonly string[]): string[] {
  const said: string[] = [];
  for (const [i, name] of was.entries()) {
    const j = is.indexOf(name);
    if (j < 0) said.push(`${what} “${name}” is gone`);
    else if (j !== i) said.push(`${what} “${name}” is at position ${j}, not ${i}`);
  }
  for (const name of is) if (!was.includes(name)) said.push(`${what} “${name}” is new`);
  return said;
}

function valueDifferences(was: Feature, is: Feature): string[] {
  const [before, after] = [was.kind, is.kind];
  const feature = `feature “${was.name}”`;
  if (before.case !== after.case) {
    return [`${feature} is ${after.case ?? "nothing"}, not ${before.case ?? "nothing"}`];
  }
  const said: string[] = [];
  if (before.case === "categorical" && after.case === "categorical") {
    const categories = after.value.categories;
    // New ones that come last change nothing for rows that were taken before.
    if (before.value.categories.some((category, i) => categories[i] !== category)) {
      said.push(`${feature} has other categories`);
    }
  }
  if (before.value?.impute !== undefined && after.value?.impute === undefined) {
    said.push(`${feature} must not be missing any more`);
  }
  if (was.unit !== "" && is.unit !== "" && was.unit !== is.unit) {
    said.push(`${feature} is in ${is.unit}, not ${was.unit}`);
  }
  return said;
}
