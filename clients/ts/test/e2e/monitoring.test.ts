import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { createSepalClient, DriftState, describeError, type SepalClient } from "../../src/index.js";
import { createSepalClient as createNodeClient } from "../../src/node.js";
import { repository } from "./repository.js";
import { testModels, withServer } from "./server.js";

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

const iris = join(testModels, "iris", "v1.0.0", "model.binpb");

/** The rows as a matrix, with sepals that are longer by so many cm. */
const matrixOf = (longer: number) => ({
  matrix: { columns: 4, values: rows.flatMap(([a = 0, ...rest]) => [a + longer, ...rest]) },
});

/** Waits for a report of so many rows: reports are not made anew for every call. */
async function reportOf(client: SepalClient, count: number) {
  const read = async () => (await client.getDriftReport({ model: "iris" })).report;
  await expect.poll(async () => (await read())?.rows, { interval: 200 }).toBe(BigInt(count));
  return read();
}

describe.each(clients)("%s", (_, clientAt) => {
  const serving = (run: (client: SepalClient) => Promise<void>) =>
    withServer(iris, ({ baseUrl }) => run(clientAt(baseUrl)));

  test("a server that was asked nothing says how many rows are missing", () =>
    serving(async (client) => {
      const { report } = await client.getDriftReport();
      expect(report).toMatchObject({ model: "iris", version: "v1.0.0", rows: 0n });
      expect(report?.state).toBe(DriftState.NOT_ENOUGH_DATA);
      expect(report?.rowsNeeded).toBeGreaterThan(0n);
      expect(report?.features.map((f) => f.divergence)).toEqual(rows[0]?.map(() => undefined));
      expect(report?.predictions?.estimatedAccuracy).toBeUndefined();
    }));

  test("rows as in training have not drifted, and shifted ones have", () =>
    serving(async (client) => {
      await client.batchPredict(matrixOf(0));
      await client.batchPredict(matrixOf(0));
      const same = await reportOf(client, 2 * rows.length);
      expect(same?.state).toBe(DriftState.STABLE);
      expect(same?.predictions?.meanConfidence).toBeCloseTo(
        same?.predictions?.referenceMeanConfidence ?? Number.NaN,
        3,
      );
      await client.batchPredict(matrixOf(3));
      await client.batchPredict(matrixOf(3));
      const report = await reportOf(client, 4 * rows.length);
      expect(report?.state).toBe(DriftState.DRIFTED);
      expect(report?.features[0]?.state).toBe(DriftState.DRIFTED);
      expect(report?.features[0]?.outOfRangeShare).toBeGreaterThan(0.3);
    }));

  test("what was answered is told by version, when its step of time has ended", () =>
    serving(async (client) => {
      const before = await client.getActivity({ model: "iris" });
      expect(before.activity?.versions).toMatchObject([{ model: "iris", version: "v1.0.0" }]);
      await client.batchPredict(matrixOf(0));
      await client.predict({ features: rows[0] ?? [], version: "v1.0.0" });
      const told = async () => {
        const { activity } = await client.getActivity({ model: "iris" });
        return activity?.points.reduce((sum, point) => sum + point.predictions, 0n);
      };
      await expect.poll(told, { interval: 500 }).toBe(BigInt(rows.length) + 1n);
      const { activity } = await client.getActivity();
      expect(activity?.versions.find((v) => v.variant === "")).toMatchObject({
        predictions: 1n,
        classes: ["setosa", "versicolor", "virginica"],
        classCounts: [1n, 0n, 0n],
      });
      const stable = activity?.versions.find((v) => v.variant === "stable");
      expect(stable?.predictions).toBe(BigInt(rows.length));
      expect(stable?.classCounts.reduce((sum, n) => sum + n, 0n)).toBe(stable?.predictions);
    }));

  test("a model that there is not is refused with those that there are", () =>
    serving(async (client) => {
      for (const call of [client.getDriftReport, client.getActivity]) {
        const error = await call({ model: "tulip" }).catch((e: unknown) => e);
        const { code, message } = describeError(error);
        expect(code).toBe("not_found");
        expect(message).toContain("iris");
      }
    }));
});
