import { cpSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fromBinary, toBinary } from "@bufbuild/protobuf";
import { expect, test } from "vitest";
import {
  create,
  createSepalClient,
  describeError,
  ModelSchema,
  RolloutEventKind,
  VariantSchema,
  VersionState,
} from "../../src/index.js";
import { createSepalClient as createNodeClient } from "../../src/node.js";
import { testModels, withServer } from "./server.js";

const row = { features: [5.1, 3.5, 1.4, 0.2] };
/** Serves a folder of its own that has one version of iris. */
async function withRegistry(run: (baseUrl: string, folder: string) => Promise<void>) {
  const folder = mkdtempSync(join(tmpdir(), "sepal-registry-"));
  try {
    const version = join("iris", "v1.0.0");
    cpSync(join(testModels, version), join(folder, version), { recursive: true });
    await withServer(folder, ({ baseUrl }) => run(baseUrl, folder));
  } finally {
    rmSync(folder, { recursive: true });
  }
}

test("a version is published, given traffic, and taken back", () => withRegistry(changes));

async function changes(baseUrl: string, folder: string) {
  const client = createNodeClient({ baseUrl });
  const browser = createSepalClient({ baseUrl });

  const file = readFileSync(join(folder, "iris", "v1.0.0", "model.binpb"));
  const model = { ...fromBinary(ModelSchema, file), version: "v1.1.0" };
  const published = await browser.publishVersion({
    file: toBinary(ModelSchema, model),
    actor: "ada",
    reason: "the same again",
  });
  expect(published.version).toMatchObject({ version: "v1.1.0", state: VersionState.LOADED });
  expect((await browser.listModels()).models.map((m) => m.name)).toEqual(["iris"]);
  expect((await client.getModel()).model?.newestVersion).toBe("v1.1.0");
  const { versions } = await client.listVersions({ model: "iris" });
  expect(versions.map((v) => v.version)).toEqual(["v1.1.0", "v1.0.0"]);
  const verified = await client.verifyVersion({ version: "v1.1.0" });
  expect(verified.checks.filter((check) => !check.passed)).toEqual([]);
  expect(verified.passed).toBe(true);

  const { rollout } = await client.getRollout();
  if (!rollout) {
    throw new Error("there is no rollout");
  }
  const before = { ...rollout };
  rollout.stable = "v1.0.0";
  rollout.variants = [create(VariantSchema, { name: "all", version: "v1.1.0", weight: 10_000 })];
  const change = { rollout, actor: "ada", requestId: "split-1" };
  const set = await client.setRollout(change);
  expect(await client.setRollout(change)).toEqual(set);
  expect(await browser.predict({ ...row, subjectId: "u1" })).toMatchObject({
    modelVersion: "v1.1.0",
    variant: "all",
  });

  const stale = await browser.setRollout({ rollout: before }).catch((e: unknown) => e);
  expect(describeError(stale).code).toBe("failed_precondition");

  const back = await browser.rollback({ reason: "enough" });
  expect(back.rollout?.variants).toEqual([]);
  const { events } = await client.listRolloutEvents();
  expect(events.map((event) => event.kind)).toEqual([
    RolloutEventKind.ROLLBACK,
    RolloutEventKind.SET,
    RolloutEventKind.PUBLISH,
  ]);
  expect(events.every((event) => event.requestId !== "")).toBe(true);
  expect(await client.reload()).toMatchObject({ changed: false, problems: [] });
}
