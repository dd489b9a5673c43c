import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { create, toBinary, toJsonString } from "@bufbuild/protobuf";
import { Code } from "@connectrpc/connect";
import { expect, test } from "vitest";
import {
  type ClientOptions,
  createSepalClient,
  describeError,
  HealthResponseSchema,
} from "../../src/index.js";
import { createSepalClient as createNodeClient } from "../../src/node.js";

const health = create(HealthResponseSchema, { status: "ok" });

/** A fetch that records its requests and answers Health in the Connect protocol. */
function recordingFetch() {
  const requests: Request[] = [];
  const fetch: typeof globalThis.fetch = async (input, init) => {
    const request = new Request(input, init);
    requests.push(request);
    const isJson = request.headers.get("content-type") === "application/json";
    const body = isJson
      ? toJsonString(HealthResponseSchema, health)
      : toBinary(HealthResponseSchema, health);
    return new Response(body as BodyInit, {
      headers: { "content-type": isJson ? "application/json" : "application/proto" },
    });
  };
  return { fetch, requests };
}

test("protocol and format decide what is sent", async () => {
  const cases: [Partial<ClientOptions>, string][] = [
    [{}, "application/grpc-web+proto"],
    [{ protocol: "grpc-web", useBinaryFormat: false }, "application/grpc-web+json"],
    [{ protocol: "connect" }, "application/proto"],
    [{ protocol: "connect", useBinaryFormat: false }, "application/json"],
  ];
  for (const [options, contentType] of cases) {
    const { fetch, requests } = recordingFetch();
    const client = createSepalClient({ baseUrl: "http://sepal.test/api/", fetch, ...options });
    await client.health().catch(() => {});
    expect(requests).toHaveLength(1);
    expect(requests[0]?.headers.get("content-type")).toBe(contentType);
    expect(requests[0]?.url).toBe(
      "http://sepal.test/api/sepal.prediction.v1.PredictionService/Health",
    );
  }
});

test("a response over fetch is read", async () => {
  const { fetch } = recordingFetch();
  for (const useBinaryFormat of [true, false]) {
    const client = createSepalClient({
      baseUrl: "http://sepal.test",
      protocol: "connect",
      useBinaryFormat,
      fetch,
    });
    expect(await client.health()).toMatchObject({ status: "ok" });
  }
});

test("interceptors are around every attempt", async () => {
  const { fetch, requests } = recordingFetch();
  let attempts = 0;
  const client = createSepalClient({
    baseUrl: "http://sepal.test",
    protocol: "connect",
    retry: { baseDelayMs: 1 },
    fetch: async (input, init) => {
      if (++attempts === 1) {
        throw new TypeError("fetch failed");
      }
      return fetch(input, init);
    },
    interceptors: [
      (next) => (request) => {
        request.header.set("authorization", `Bearer ${attempts}`);
        return next(request);
      },
    ],
  });
  await client.health();
  expect(requests.map((r) => r.headers.get("authorization"))).toEqual(["Bearer 1"]);
});

test("a server that cannot be reached is unavailable, and tried again", async () => {
  for (const protocol of ["grpc-web", "connect"] as const) {
    let attempts = 0;
    const client = createSepalClient({
      baseUrl: "http://127.0.0.1:1",
      protocol,
      retry: { baseDelayMs: 1 },
      fetch: async () => {
        attempts++;
        throw new TypeError("fetch failed", { cause: new Error("connect ECONNREFUSED") });
      },
    });
    const error = await client.health().catch((e: unknown) => e);
    expect(describeError(error)).toEqual({
      code: "unavailable",
      message: "cannot reach http://127.0.0.1:1: fetch failed: connect ECONNREFUSED",
      violations: [],
    });
    expect(attempts).toBe(3);
  }
});

test("a port that nothing listens on is unavailable, whatever carries the call", async () => {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const baseUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  await new Promise((resolve) => server.close(resolve));

  const clients = [
    ...(["grpc-web", "connect"] as const).flatMap((protocol) => [
      createSepalClient({ baseUrl, protocol, retry: false }),
      createNodeClient({ baseUrl, protocol, retry: false }),
      createNodeClient({ baseUrl, protocol, httpVersion: "1.1", retry: false }),
    ]),
    createNodeClient({ baseUrl, retry: false }),
  ];
  for (const client of clients) {
    const description = describeError(await client.health().catch((e: unknown) => e));
    expect(description.code).toBe("unavailable");
    expect(description.message).toContain("ECONNREFUSED");
  }
});

test("a request stopped by its signal is canceled, whatever fetch says", async () => {
  const controller = new AbortController();
  let attempts = 0;
  const client = createSepalClient({
    baseUrl: "http://sepal.test",
    fetch: async () => {
      attempts++;
      controller.abort();
      throw new TypeError("network error");
    },
  });
  await expect(client.health({}, { signal: controller.signal })).rejects.toMatchObject({
    code: Code.Canceled,
  });
  expect(attempts).toBe(1);
});

test("the Node client refuses what it cannot speak", () => {
  const baseUrl = "http://127.0.0.1:1";
  expect(() => createNodeClient({ baseUrl: "/" })).toThrow(/^baseUrl: expected a URL/);
  expect(() => createNodeClient({ baseUrl, httpVersion: "1.1" })).toThrow(
    'httpVersion: expected "2" with gRPC, found "1.1"',
  );
  expect(() => createNodeClient({ baseUrl, protocol: "rest" as "grpc" })).toThrow(
    /^protocol: expected "grpc", "grpc-web" or "connect", found "rest"/,
  );
});
