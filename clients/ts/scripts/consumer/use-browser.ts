import {
  classifyTable,
  create,
  createSepalClient,
  describeError,
  type ErrorDescription,
  type FieldViolation,
  type PredictResponse,
  PredictResponseSchema,
  RolloutEventKind,
  type Signature,
  type TableOptions,
} from "@sepal-ml/client";

const client = createSepalClient({ baseUrl: "http://127.0.0.1:50051", protocol: "connect" });

export async function classify(features: number[]): Promise<PredictResponse | ErrorDescription> {
  try {
    return await client.predict({ features, topK: 2 }, { timeoutMs: 500 });
  } catch (error) {
    return describeError(error);
  }
}

export async function names(): Promise<string[]> {
  const { version } = await client.getVersion({ model: "iris" });
  const signature: Signature | undefined = version?.signature;
  return signature?.features.map((feature) => feature.name) ?? [];
}

export async function classes(rows: number[][], options: TableOptions): Promise<string[]> {
  const found: string[] = [];
  for await (const { result } of classifyTable(client, rows, options)) {
    found.push(...result.classIndices.map((at) => result.classes[at] ?? ""));
  }
  return found;
}

export async function rollbacks(): Promise<number> {
  const { events } = await client.listRolloutEvents({ pageSize: 10 });
  return events.filter(({ kind }) => kind === RolloutEventKind.ROLLBACK).length;
}

export const violation = (v: FieldViolation): string => `${v.field} ${v.description}`;
export const emptyResponse: PredictResponse = create(PredictResponseSchema);

// @ts-expect-error features are numbers
client.predict({ features: ["5.1"] });
// @ts-expect-error there is no such field
client.predict({ feature: [5.1] });
// @ts-expect-error rows are numbers
classifyTable(client, [["5.1"]]);
