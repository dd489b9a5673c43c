import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { classifyTable, createSepalClient, type SepalClient } from "../../src/index.js";
import { createSepalClient as createNodeClient } from "../../src/node.js";
import { repository } from "./repository.js";
import { type Server, startServer } from "./server.js";

const rows = readFileSync(join(repository, "testdata/datasets/iris.csv"), "utf8")
  .trim()
  .split("\n")
  .slice(1)
  .map((line) => line.split(",").slice(0, 4).map(Number));

let server: Server;

beforeAll(async () => {
  server = await startServer();
});

afterAll(async () => {
  await server?.stop();
});

async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const item of items) {
    all.push(item);
  }
  return all;
}

const nodes: [string, () => SepalClient][] = (["grpc", "grpc-web", "connect"] as const).map(
  (protocol) => [`Node ${protocol}`, () => createNodeClient({ baseUrl: server.baseUrl, protocol })],
);
const all: [string, () => SepalClient][] = [
  ...nodes,
  ...(["grpc-web", "connect"] as const).map((protocol): [string, () => SepalClient] => [
    `fetch ${protocol}`,
    () => createSepalClient({ baseUrl: server.baseUrl, protocol }),
  ]),
];

describe.each(all)("%s", (_, connect) => {
  test("chunks of a batch have the results of the batch", async () => {
    const client = connect();
    const batch = { rows: rows.map((features) => ({ features })) };
    const chunks = await collect(client.batchPredictStream({ batch, chunkRows: 40 }));
    expect(chunks.map((c) => c.firstRow)).toEqual([0, 40, 80, 120]);
    const { results } = await client.batchPredict(batch);
    expect(chunks.flatMap((c) => c.chunk?.results ?? [])).toEqual(results);
  });

  test("a table has the results of a matrix, with its bad rows", async () => {
    const client = connect();
    const columns = 4;
    const values = Float64Array.from(rows.flat());
    values[70 * columns + 2] = Number.POSITIVE_INFINITY;
    const options = { chunkRows: 32, inFlight: 3, probabilities: true };
    const chunks = await collect(classifyTable(client, { values, columns }, options));
    const { matrix } = await client.batchPredict({
      matrix: { columns, values: [...values] },
      probabilities: true,
    });
    expect(chunks.flatMap((c) => c.result.classIndices)).toEqual(matrix?.classIndices);
    expect(chunks.flatMap((c) => c.result.confidences)).toEqual(matrix?.confidences);
    expect(chunks.flatMap((c) => c.result.probabilities)).toEqual(matrix?.probabilities);
    const errors = chunks.flatMap((c) => c.result.errors);
    expect(errors).toHaveLength(1);
    expect(errors[0]?.row).toBe(70);
    expect(errors[0]?.error?.fieldViolations.map((v) => v.field)).toEqual(
      matrix?.errors[0]?.error?.fieldViolations.map((v) => v.field),
    );
  });
});

test.each(nodes)("%s: each request of a stream has its answer", async (_, connect) => {
  const client = connect();
  const requests = rows.map((features, i) => ({ features: i === 7 ? [1] : features }));
  const answers = await collect(client.predictStream(requests));
  const { results } = await client.batchPredict({ rows: requests });
  expect(answers).toHaveLength(rows.length);
  const classes = (of: { result: (typeof answers)[number]["result"] }[]) =>
    of.map(({ result }) =>
      result.case === "response" ? result.value.prediction : result.value?.code,
    );
  expect(classes(answers)).toEqual(classes(results));
  expect(classes(answers)[7]).toBe("invalid_argument");
});
