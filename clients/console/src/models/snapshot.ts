import type {
  ModelVersion,
  RegisteredModel,
  Rollout,
  RolloutEvent,
  SepalClient,
  ShadowAgreement,
} from "@sepal-ml/client";

/** The calls that change which versions answer, and those that say so. */
export type RegistryClient = Pick<
  SepalClient,
  | "listModels"
  | "getModel"
  | "listVersions"
  | "getRollout"
  | "setRollout"
  | "rollback"
  | "listRolloutEvents"
>;

/** How much of the long lists is read. */
export interface Limits {
  versions: number;
  events: number;
}

/** What the server said about a model. */
export interface Snapshot {
  /** The names of all models. */
  names: string[];
  model: RegisteredModel;
  /** The newest first. */
  versions: ModelVersion[];
  moreVersions: boolean;
  rollout: Rollout;
  agreements: ShadowAgreement[];
  /** The latest first. */
  events: RolloutEvent[];
  moreEvents: boolean;
  /** Why the server does not follow the registry's rollout; empty: it does. */
  problem: string;
}

/** The most that a server lists at a time. */
const MOST_LISTED = 1000;

/** Reads all about a model; an empty name is that of the default model. */
export async function readSnapshot(
  client: RegistryClient,
  name: string,
  limits: Limits,
  signal: AbortSignal,
): Promise<Snapshot> {
  const options = { signal };
  const { model } = await client.getModel({ model: name }, options);
  if (!model) throw new Error("the server describes no model");
  const of = { model: model.name };
  const [models, versions, events, now] = await Promise.all([
    client.listModels({ pageSize: MOST_LISTED }, options),
    client.listVersions({ ...of, pageSize: limits.versions }, options),
    client.listRolloutEvents({ ...of, pageSize: limits.events }, options),
    client.getRollout(of, options),
  ]);
  if (!now.rollout) throw new Error(`the server has no rollout of ${model.name}`);
  return {
    names: models.models.map((m) => m.name),
    model,
    versions: versions.versions,
    moreVersions: versions.nextPageToken !== "",
    rollout: now.rollout,
    agreements: now.agreements,
    events: events.events,
    moreEvents: events.nextPageToken !== "",
    problem: now.problem,
  };
}

/** What of the registry is not in force, each thing once. */
export function problemsOf({ model, problem }: Pick<Snapshot, "model" | "problem">): string[] {
  return [...new Set([...(problem === "" ? [] : [problem]), ...model.problems])];
}

/** Lists more: twice as much, as far as the server goes. */
export function more(limit: number): number {
  return Math.min(MOST_LISTED, limit * 2);
}
