import {
  describeError,
  type ModelVersion,
  type RegisteredModel,
  type Rollout,
  type RolloutEvent,
  type SepalClient,
  type ShadowAgreement,
} from "@sepal-ml/client";

/** The calls that change which versions answer, and those that say so. */
export type RegistryClient = Pick<
  SepalClient,
  | "listModels"
  | "getModel"
  | "listVersions"
  | "getVersion"
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
  /** The stable version, whether it is among the listed ones or not. Unset: it cannot be read. */
  stable: ModelVersion | undefined;
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
    stable: await readStable(client, now.rollout, versions.versions, signal),
    rollout: now.rollout,
    agreements: now.agreements,
    events: events.events,
    moreEvents: events.nextPageToken !== "",
    problem: now.problem,
  };
}

async function readStable(
  client: RegistryClient,
  { model, stable }: Rollout,
  listed: readonly ModelVersion[],
  signal: AbortSignal,
): Promise<ModelVersion | undefined> {
  const known = listed.find(({ version }) => version === stable);
  if (known || stable === "") return known;
  try {
    return (await client.getVersion({ model, version: stable }, { signal })).version;
  } catch (error) {
    if (describeError(error).code === "not_found") return undefined;
    throw error;
  }
}

/** What of the registry is not in force, each thing once. */
export function problemsOf({ model, problem }: Pick<Snapshot, "model" | "problem">): string[] {
  return [...new Set([...(problem === "" ? [] : [problem]), ...model.problems])];
}

/** Lists more: twice as much, as far as the server goes. */
export function more(limit: number): number {
  return Math.min(MOST_LISTED, limit * 2);
}
