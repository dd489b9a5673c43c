import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fromBinary, toBinary } from "@bufbuild/protobuf";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { createSepalClient, ModelSchema } from "../../src/index.js";
import { repository } from "./repository.js";
import { type Server, startServer, testModels } from "./server.js";

let folder: string;
let server: Server;

/** A registry whose iris has the two versions that the README speaks of. */
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "sepal-readme-"));
  const registry = join(folder, "registry");
  const version = join("iris", "v1.0.0");
  cpSync(join(testModels, version), join(registry, version), { recursive: true });
  server = await startServer(registry);
  const first = readFileSync(join(registry, version, "model.binpb"));
  const second = { ...fromBinary(ModelSchema, first), version: "v1.1.0" };
  const { baseUrl } = server;
  await createSepalClient({ baseUrl }).publishVersion({ file: toBinary(ModelSchema, second) });
});

afterAll(async () => {
  await server?.stop();
  if (folder) {
    rmSync(folder, { recursive: true });
  }
});

const readme = readFileSync(join(repository, "clients", "ts", "README.md"), "utf8");
const examples = [...readme.matchAll(/^```ts\n(.*?)^```/gms)].map(([, code = ""]) => code);

/** What an example prints when it runs against the server. */
async function run(part: string): Promise<{ out: unknown[][]; err: unknown[][] }> {
  const found = examples.filter((code) => code.includes(part));
  expect(found, `examples with ${part}`).toHaveLength(1);
  const [code = ""] = found;
  expect(code).toContain('"http://127.0.0.1:50051"');
  // In a file of its own each time: a module that was imported does not run again.
  const file = join(mkdtempSync(join(folder, "example-")), "example.ts");
  writeFileSync(file, code.replace("http://127.0.0.1:50051", server.baseUrl));
  const out = vi.spyOn(console, "log").mockImplementation(() => undefined);
  const err = vi.spyOn(console, "error").mockImplementation(() => undefined);
  try {
    await import(/* @vite-ignore */ file);
    return { out: out.mock.calls, err: err.mock.calls };
  } finally {
    out.mockRestore();
    err.mockRestore();
  }
}

const runs: [part: string, out: unknown[][]][] = [
  ["client.predict(", [["setosa", expect.any(Number), "v1.0.0"]]],
  ["client.batchPredict(", [["setosa"], ["virginica"]]],
  [
    "classifyTable(",
    [["2 rows done"], [0, "setosa", expect.any(Number)], [1, "virginica", expect.any(Number)]],
  ],
  [
    "client.batchPredictStream(",
    [
      [0, "setosa"],
      [1, "virginica"],
    ],
  ],
  [
    "client.predictStream(",
    [
      ["setosa", "stable"],
      ["virginica", "stable"],
    ],
  ],
];

test.each(runs)("the example of %s does what it says", async (part, expected) => {
  const { out, err } = await run(part);
  expect(out).toEqual(expected);
  expect(err).toEqual([]);
});

test("the example of a split sets it", async () => {
  expect(await run("client.setRollout(")).toEqual({ out: [], err: [] });
  const { rollout } = await createSepalClient({ baseUrl: server.baseUrl }).getRollout();
  expect(rollout?.variants).toMatchObject([{ name: "canary", version: "v1.1.0", weight: 1000 }]);
});

test("the example of watching tells what was answered, and how many rows are missing", async () => {
  const { out, err } = await run("client.getActivity(");
  expect(out).toContainEqual(["v1.0.0", "stable", expect.any(BigInt)]);
  expect(out.at(-1)).toEqual([expect.stringMatching(/^\d+ of \d+ rows$/)]);
  expect(err).toEqual([]);
});

test("every example is run", () => {
  expect(examples).toHaveLength(runs.length + 2);
});
