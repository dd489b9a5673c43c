import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createSepalClient, DriftState, describeError, type SepalClient } from "../../src/index.js";
import { createSepalClient as createNodeClient } from "../../src/node.js";
import { repository } from "./repository.js";
import { type Server, startServer, testModels } from "./server.js";

const rows = readFileSync(join(repository, "testdata/datasets/iris.csv"), "utf8")
  .trim()
  .split("\n")
  .slice(1)
  .map((line) => line.split(",").slice(0, 4).map(Number));

const clients: [string, (baseUrl: string) => SepalClient][] = [
  ["fetch grpc-web", (baseUrl) => createSepalClient({ baseUrl })],
  ["fetch connect", (baseUrl) => createSepalClient({ baseUrl, protocol: "connect" })],
  ["Node grpc", (baseUrl) => createNodeClient({ baseUrl })],
];

/** Waits for a report of so many rows: reports are not made anew for every call. */
async function reportOf(client: SepalClient, count: number) {
  const read = async () => (await client.getDriftReport({ model: "iris" })).report;
  await expect
    .poll(async () => (await read())?.rows, { timeout: 15_000, interval: 200 })
    .toBe(BigInt(count));
  return read();
}

describe.each(clients)("%s", (_, clientAt) => {
  let server: Server;
  let client: SepalClient;

  beforeAll(async () => {
    server = await startServer(join(testModels, "iris", "v1.0.0", "model.binpb"));
    client = clientAt(server.baseUrl);
  }, 60_000);

  afterAll(async () => {
    await server?.stop();
  }, 60_000);

  test("a server that was asked nothing says how many rows are missing", async () => {
    const { report } = await client.getDriftReport();
    expect(report).toMatchObject({ model: "iris", version: "v1.0.0", rows: 0n });
    expect(report?.state).toBe(DriftState.NOT_ENOUGH_DATA);
    expect(report?.rowsNeeded).toBeGreaterThan(0n);
    expect(report?.features.map((f) => f.divergence)).toEqual(rows[0]?.map(() => undefined));
    expect(report?.predictions?.estimatedAccuracy).toBeUndefined();
  });

  test("rows as in training have not drifted, and shifted ones have", async () => {
    const matrix = (shift: number) => ({
      matrix: { columns: 4, values: rows.flatMap(([a = 0, ...rest]) => [a + shift, ...rest]) },
    });
    await client.batchPredict(matrix(0));
    await client.batchPredict(matrix(0));
    const same = await reportOf(client, 2 * rows.length);
    expect(same?.state).toBe(DriftState.STABLE);
    expect(same?.predictions?.meanConfidence).toBeCloseTo(
      same?.predictions?.referenceMeanConfidence ?? Number.NaN,
      3,
    );
    await client.batchPredict(matrix(3));
    await client.batchPredict(matrix(3));
    const report = await reportOf(client, 4 * rows.length);
    expect(report?.state).toBe(DriftState.DRIFTED);
    expect(report?.features[0]?.state).toBe(DriftState.DRIFTED);
    expect(report?.features[0]?.outOfRangeShare).toBeGreaterThan(0.3);
  }, 40_000);

  test("what was answered is told by version, when its step of time has ended", async () => {
    const before = await client.getActivity({ model: "iris" });
    expect(before.activity?.versions).toMatchObject([{ model: "iris", version: "v1.0.0" }]);
    await client.predict({ features: rows[0] ?? [], version: "v1.0.0" });
    const named = async () => {
      const { activity } = await client.getActivity({ model: "iris" });
      return activity?.versions.find((v) => v.variant === "");
    };
    await expect
      .poll(async () => (await named())?.predictions, { timeout: 15_000, interval: 500 })
      .toBe(1n);
    expect(await named()).toMatchObject({
      classes: ["setosa", "versicolor", "virginica"],
      classCounts: [1n, 0n, 0n],
    });
    const { activity } = await client.getActivity();
    const stable = activity?.versions.find((v) => v.variant === "stable");
    expect(stable?.classCounts.reduce((sum, n) => sum + n, 0n)).toBe(stable?.predictions);
    const predictions = activity?.points.reduce((sum, point) => sum + point.predictions, 0n);
    expect(predictions).toBe((stable?.predictions ?? 0n) + 1n);
  }, 40_000);

  test("a model that there is not is refused with those that there are", async () => {
    for (const call of [client.getDriftReport, client.getActivity]) {
      const error = await call({ model: "tulip" }).catch((e: unknown) => e);
      const { code, message } = describeError(error);
      expect(code).toBe("not_found");
      expect(message).toContain("iris");
    }
  });
});
