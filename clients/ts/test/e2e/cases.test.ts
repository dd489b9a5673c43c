import { fromJson, toJson } from "@bufbuild/protobuf";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createSepalClient, describeError, type SepalClient } from "../../src/index.js";
import { createSepalClient as createNodeClient } from "../../src/node.js";
import { type Case, loadCases, methods } from "./cases.js";
import { differences } from "./differences.js";
import { type Server, startServer } from "./server.js";

const files = loadCases();
let server: Server;

beforeAll(async () => {
  server = await startServer();
});

afterAll(async () => {
  if (server) {
    expect(await server.stop(), "exit code of the server").toBe(0);
  }
});

const transports: [string, (baseUrl: string) => SepalClient][] = [];
for (const useBinaryFormat of [true, false]) {
  const format = useBinaryFormat ? "binary" : "JSON";
  for (const protocol of ["grpc-web", "connect"] as const) {
    const options = { protocol, useBinaryFormat };
    transports.push(
      [`fetch ${protocol} ${format}`, (u) => createSepalClient({ baseUrl: u, ...options })],
      [`Node ${protocol} ${format}`, (u) => createNodeClient({ baseUrl: u, ...options })],
      [
        `Node HTTP/1.1 ${protocol} ${format}`,
        (u) => createNodeClient({ baseUrl: u, httpVersion: "1.1", ...options }),
      ],
    );
  }
  transports.push([
    `Node grpc ${format}`,
    (u) => createNodeClient({ baseUrl: u, useBinaryFormat }),
  ]);
}

describe.each(transports)("%s", (_, clientAt) => {
  let client: SepalClient;
  beforeAll(() => {
    client = clientAt(server.baseUrl);
  });

  describe.each(files)("$file", ({ cases }) => {
    test.each(cases)("$name", async (c) => {
      if (c.error === undefined) {
        await expectResponse(client, c);
      } else {
        await expectError(client, c, c.error);
      }
    });
  });
});

async function expectResponse(client: SepalClient, c: Case) {
  const { desc } = methodOf(c);
  const actual = toJson(desc.output, await call(client, c));
  const expected = toJson(desc.output, fromJson(desc.output, c.response ?? null));
  expect(differences(actual, expected)).toEqual([]);
}

async function expectError(client: SepalClient, c: Case, expected: NonNullable<Case["error"]>) {
  const outcome = await call(client, c).then(
    (response) => ({ response }),
    (error: unknown) => ({ error }),
  );
  if (!("error" in outcome)) {
    const response = toJson(methodOf(c).desc.output, outcome.response);
    throw new Error(`expected ${expected.code}, found a response: ${JSON.stringify(response)}`);
  }
  const { code, message, violations, requestId } = describeError(outcome.error);
  expect({
    code,
    message,
    violations: violations.map(({ field, description }) => ({ field, description })),
  }).toEqual({ violations: [], ...expected });
  expect(requestId, "request id of the error").toBeTruthy();
}

function call(client: SepalClient, c: Case) {
  const { desc, name } = methodOf(c);
  // The cases' messages fit the method by construction, which no type can say.
  const method = client[name] as (request: unknown) => ReturnType<SepalClient["predict"]>;
  return method(fromJson(desc.input, c.request));
}

function methodOf(c: Case) {
  const method = methods[c.rpc];
  if (!method) {
    throw new Error(`the client has no call "${c.rpc}"`);
  }
  return method;
}
