import { create, type Rollout, type Variant, VariantSchema } from "@sepal-ml/client";
import type { Bar } from "../bars.js";
import { share, WHOLE } from "./weights.js";

/** What became of a change to a rollout: the rollout after it, or why there is none. */
export type Edit = { ok: true; rollout: Rollout } | { ok: false; problem: string };

/** A part of the bar of the traffic. */
export interface Segment extends Bar {
  /** "stable", or the name of a variant. */
  name: string;
  version: string;
  weight: number;
}

/** The name of a variant, as responses give it. */
export function variantName(variant: Pick<Variant, "name" | "version">): string {
  return variant.name || variant.version;
}

/** What the variants leave to the stable version. */
export function stableWeight({ variants }: Rollout): number {
  return Math.max(
    0,
    variants.reduce((left, { weight }) => left - weight, WHOLE),
  );
}

/**
 * The parts of the traffic, the stable version first. Dark launches have none, nor has what no
 * version answers.
 */
export function segmentsOf(rollout: Rollout): Segment[] {
  const parts = [
    { name: "stable", version: rollout.stable, weight: stableWeight(rollout) },
    ...rollout.variants.map((v) => ({
      name: variantName(v),
      version: v.version,
      weight: v.weight,
    })),
  ];
  let left = 0;
  return parts
    .filter(({ version, weight }) => version !== "" && weight > 0)
    .map((part) => {
      const segment = { ...part, left, width: part.weight / (WHOLE / 100) };
      left += segment.width;
      return segment;
    });
}

/** The variants that answer only those who name their version. */
export function darkLaunches({ variants }: Rollout): Variant[] {
  return variants.filter(({ weight }) => weight === 0);
}

/** What a version does in a rollout, in a few words each: "stable", "canary 5%", "shadow". */
export function rolesOf(rollout: Rollout, version: string): string[] {
  const roles = rollout.stable === version ? ["stable"] : [];
  for (const variant of rollout.variants) {
    if (variant.version !== version) continue;
    const name = variant.name === "" || variant.name === version ? "variant" : variant.name;
    roles.push(variant.weight === 0 ? `${name}, dark` : `${name} ${share(variant.weight)}`);
  }
  if (rollout.shadows.includes(version)) roles.push("shadow");
  for (const [label, labelled] of Object.entries(rollout.labels)) {
    if (labelled === version) roles.push(`label ${label}`);
  }
  return roles;
}

/** The variant of a version that a split of it changes. */
export function variantOf({ variants }: Rollout, version: string): Variant | undefined {
  return variants.find((variant) => variant.version === version);
}

/** Gives a version a share of the requests, in place of the one that it had. */
export function withSplit(
  rollout: Rollout,
  split: { version: string; weight: number; name: string },
): Edit {
  const { version, weight, name } = split;
  if (version === rollout.stable) {
    const problem = `${version} is the stable version: it has what the variants leave.`;
    return { ok: false, problem };
  }
  const before = variantOf(rollout, version);
  const after = create(VariantSchema, { name: name === version ? "" : name, version, weight });
  const others = rollout.variants.filter((variant) => variant !== before);
  const called = variantName(after);
  if (called === "stable" || others.some((other) => variantName(other) === called)) {
    return { ok: false, problem: `Another name, please: there is a “${called}” already.` };
  }
  const left = others.reduce((rest, other) => rest - other.weight, WHOLE);
  if (weight > left) {
    return { ok: false, problem: `The other variants leave only ${share(left)}.` };
  }
  const variants = before
    ? rollout.variants.map((variant) => (variant === before ? after : variant))
    : [...rollout.variants, after];
  return { ok: true, rollout: { ...rollout, variants } };
}

/** Makes a version stable: it needs no variant then, and cannot shadow itself. */
export function promoted(rollout: Rollout, version: string): Rollout {
  return {
    ...rollout,
    stable: version,
    variants: rollout.variants.filter((variant) => variant.version !== version),
    shadows: rollout.shadows.filter((shadow) => shadow !== version),
  };
}

/** Takes a variant away: its requests go to the stable version. */
export function withoutVariant(rollout: Rollout, name: string): Rollout {
  const variants = rollout.variants.filter((variant) => variantName(variant) !== name);
  return { ...rollout, variants };
}

/** Has a version scored in the shadow, or no longer. */
export function withShadow(rollout: Rollout, version: string, on: boolean): Rollout {
  const others = rollout.shadows.filter((shadow) => shadow !== version);
  return { ...rollout, shadows: on ? [...others, version] : others };
}
