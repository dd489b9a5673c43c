import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Code, createSepalClient as createFetchClient } from "../../src/index.js";
import {
  createSepalClient,
  describeError,
  isRateLimited,
  type NodeClientOptions,
  retryAfterMs,
} from "../../src/node.js";
import { expectCase } from "./case.js";
import { loadCases } from "./cases.js";
import { writeCertificate, writePrincipals } from "./certificate.js";
import { type Server, startServer, testModels } from "./server.js";

let folder: string;
let ca: Buffer;
let tokens: Record<"ada" | "pat" | "kim", string>;
let server: Server;
let limited: Server;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "sepal-access-"));
  const files = writeCertificate(folder);
  const principals = writePrincipals(folder, { ada: "admin", pat: "predict", kim: "predict,read" });
  ca = readFileSync(files.cert);
  tokens = principals.tokens;
  const environment = {
    SEPAL_TLS_CERT: files.cert,
    SEPAL_TLS_KEY: files.key,
    SEPAL_PRINCIPALS: principals.file,
  };
  server = await startServer(testModels, environment);
  limited = await startServer(testModels, { ...environment, SEPAL_RATE_LIMIT: "2/h" });
});

afterAll(async () => {
  for (const started of [server, limited]) {
    if (started) expect(await started.stop(), "exit code of the server").toBe(0);
  }
  if (folder) rmSync(folder, { recursive: true });
});

const transports: [string, Partial<NodeClientOptions>][] = [
  ["grpc", { protocol: "grpc" }],
  ["grpc-web", { protocol: "grpc-web" }],
  ["grpc-web over HTTP/1.1", { protocol: "grpc-web", httpVersion: "1.1" }],
  ["connect", { protocol: "connect" }],
  [
    "connect JSON over HTTP/1.1",
    { protocol: "connect", httpVersion: "1.1", useBinaryFormat: false },
  ],
];

const files = loadCases();

describe.each(transports)("over TLS, %s", (_, options) => {
  const clientOf = (token?: string, at = server) =>
    createSepalClient({ ...options, baseUrl: at.baseUrl, tls: { ca }, ...(token && { token }) });

  describe.each(files)("with a token, $file", ({ cases }) => {
    test.each(cases)("$name", (c) => expectCase(clientOf(tokens.ada), c));
  });

  test("nobody is asked who they are", async () => {
    const error = await clientOf()
      .predict({ features: [5.1, 3.5, 1.4, 0.2] })
      .catch((e: unknown) => e);
    expect(describeError(error)).toMatchObject({
      code: "unauthenticated",
      message: expect.stringContaining("say who you are"),
      requestId: expect.any(String),
    });
    expect((await clientOf().health()).status).toBe("ok");
  });

  test("who lacks a scope is told which", async () => {
    const client = clientOf(tokens.pat);
    expect((await client.predict({ features: [5.1, 3.5, 1.4, 0.2] })).prediction).toBe("setosa");
    const error = await client.getVersion().catch((e: unknown) => e);
    expect(describeError(error)).toMatchObject({ code: "permission_denied", missingScope: "read" });
  });

  test("a stream of both directions is let in too, where there can be one", async () => {
    if (options.httpVersion === "1.1") return;
    const found: (string | undefined)[] = [];
    const requests = [{ features: [5.1, 3.5, 1.4, 0.2] }];
    for await (const { result } of clientOf(tokens.pat).predictStream(requests)) {
      found.push(result.case === "response" ? result.value.prediction : result.value?.message);
    }
    expect(found).toEqual(["setosa"]);
  });

  test("a limit on requests says when to come back", async () => {
    // Its own caller per transport would be no more certain: with any, the third call is too many.
    const client = clientOf(tokens.kim, limited);
    let error: unknown;
    for (let i = 0; i < 3 && error === undefined; i++) {
      error = await client.predict({ features: [5.1, 3.5, 1.4, 0.2] }).then(
        () => undefined,
        (e: unknown) => e,
      );
    }
    expect(error).toMatchObject({ code: Code.ResourceExhausted });
    expect(isRateLimited(error)).toBe(true);
    const ms = retryAfterMs(error) ?? 0;
    expect(ms).toBeGreaterThan(0);
    expect(ms).toBeLessThanOrEqual(1_800_000);
    const seconds = Number((error as { metadata: Headers }).metadata.get("retry-after"));
    expect(seconds).toBe(Math.ceil(ms / 1000));
  });
});

test("a server of an authority that nobody trusts gets no token", async () => {
  const options = { baseUrl: server.baseUrl, token: tokens.ada, retry: false as const };
  for (const client of [createSepalClient(options), createFetchClient(options)]) {
    await expect(client.health()).rejects.toMatchObject({ code: expect.any(Number) });
  }
});
