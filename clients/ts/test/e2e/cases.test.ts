import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createSepalClient, type SepalClient } from "../../src/index.js";
import { createSepalClient as createNodeClient } from "../../src/node.js";
import { expectCase } from "./case.js";
import { loadCases } from "./cases.js";
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
    test.each(cases)("$name", (c) => expectCase(client, c));
  });
});
