import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fromBinary, toBinary } from "@bufbuild/protobuf";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { createSepalClient, ModelSchema } from "../../src/index.js";
import { writeCertificate, writePrincipals } from "./certificate.js";
import { repository } from "./repository.js";
import { type Server, startServer, testModels } from "./server.js";

let folder: string;
let server: Server;
let secured: Server;
let token: string;

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
  await secured?.stop();
  if (folder) {
    rmSync(folder, { recursive: true });
  }
});

const readme = readFileSync(join(repository, "clients", "ts", "README.md"), "utf8");
const examples = [...readme.matchAll(/^```ts\n(.*?)^```/gms)].map(([, code = ""]) => code);

/** What an example prints when it runs against the server. */
async function run(
  part: string,
  change = (code: string) => code.replace("http://127.0.0.1:50051", server.baseUrl),
): Promise<{ out: unknown[][]; err: unknown[][] }> {
  const found = examples.filter((code) => code.includes(part));
  expect(found, `examples with ${part}`).toHaveLength(1);
  const [code = ""] = found;
  const changed = change(code);
  expect(changed).not.toContain("127.0.0.1:50051");
  // In a file of its own each time: a module that was imported does not run again.
  const file = join(mkdtempSync(join(folder, "example-")), "example.ts");
  writeFileSync(file, changed);
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
  ["describeError(error)", [["setosa", expect.any(Number), "v1.0.0"]]],
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

test("the example of a token tells what was predicted, and why not", async () => {
  const files = writeCertificate(folder);
  const { file, tokens } = writePrincipals(folder, { ada: "predict", kim: "read" });
  secured = await startServer(testModels, {
    SEPAL_TLS_CERT: files.cert,
    SEPAL_TLS_KEY: files.key,
    SEPAL_PRINCIPALS: file,
  });
  token = join(folder, "token");
  const told: [string, Awaited<ReturnType<typeof run>>][] = [
    [tokens.ada, { out: [["setosa"]], err: [] }],
    [tokens.kim, { out: [], err: [["this token lacks the scope", "predict"]] }],
    ["sepal_nobody", { out: [], err: [["get a new token"]] }],
  ];
  for (const [text, expected] of told) {
    writeFileSync(token, `${text}\n`);
    const found = await run("missingScope(error)", (code) =>
      code
        .replace("https://127.0.0.1:50051", secured.baseUrl)
        .replace('"token"', JSON.stringify(token))
        .replace('"ca.pem"', JSON.stringify(files.cert)),
    );
    expect(found).toEqual(expected);
  }
});

test("every example is run", () => {
  expect(examples).toHaveLength(runs.length + 3);
});
