import {
  create,
  type Rollout,
  type RolloutEvent,
  RolloutEventKind,
  RolloutEventSchema,
  RolloutSchema,
  VariantSchema,
} from "@sepal-ml/client";

/** A rollout of iris with v1.0.0 as stable version, but for what is given. */
export function rolloutOf(
  fields: Partial<Omit<Rollout, "variants" | "$typeName" | "$unknown">> = {},
  ...variants: [name: string, version: string, weight: number][]
): Rollout {
  return create(RolloutSchema, {
    model: "iris",
    stable: "v1.0.0",
    ...fields,
    variants: variants.map(([name, version, weight]) =>
      create(VariantSchema, { name, version, weight }),
    ),
  });
}

/** An event of a kind. */
export function eventOf(
  kind: keyof typeof RolloutEventKind,
  fields: Partial<Omit<RolloutEvent, "kind" | "$typeName" | "$unknown">> = {},
): RolloutEvent {
  return create(RolloutEventSchema, { kind: RolloutEventKind[kind], ...fields });
}
