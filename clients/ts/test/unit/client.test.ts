import { Code, ConnectError, type HandlerContext } from "@connectrpc/connect";
import { describe, expect, test } from "vitest";
import { createSepalClient, PredictionService, RegistryService } from "../../src/index.js";
import { clientOf, clientOfRoutes } from "./router.js";

test("each method makes the call of its name", async () => {
  const client = clientOfRoutes((router) => {
    router.service(PredictionService, {
      health: () => ({ status: "ok", model: "iris", modelVersion: "v1.0.0" }),
      predict: (request) => ({ prediction: `p${request.features.length}`, confidence: 0.75 }),
      batchPredict: (request) => ({
        results: request.rows.map((row) =>
          row.features.length > 0
            ? { result: { case: "response", value: { prediction: "setosa" } } }
            : { result: { case: "error", value: { code: "invalid_argument" } } },
        ),
      }),
    });
    router.service(RegistryService, {
      getVersion: (request) => ({
        version: {
          model: request.model || "iris",
          signature: {
            features: [{ name: "length", kind: { case: "numeric", value: { min: 0.5 } } }],
          },
        },
      }),
    });
  });

  expect(await client.health()).toMatchObject({ status: "ok", modelVersion: "v1.0.0" });
  expect(await client.predict({ features: [1, 2, 3, 4] })).toMatchObject({
    prediction: "p4",
    confidence: 0.75,
  });
  const batch = await client.batchPredict({ rows: [{ features: [1] }, {}] });
  expect(batch.results.map((r) => r.result.case)).toEqual(["response", "error"]);
  expect((await client.getVersion()).version).toMatchObject({
    model: "iris",
    signature: { features: [{ name: "length", kind: { case: "numeric", value: { min: 0.5 } } }] },
  });
  expect((await client.getVersion({ model: "wine" })).version?.model).toBe("wine");
});

test("inputs are a plain object, and null is a missing value", async () => {
  let inputs: unknown;
  const { predict } = clientOf({
    predict(request) {
      inputs = request.inputs;
      return {};
    },
  });
  await predict({ inputs: { width: 1.5, colour: "red", height: null } });
  expect(inputs).toEqual({ width: 1.5, colour: "red", height: null });
});

test("headers of the client and of the call are sent; those of the call win", async () => {
  let header = new Headers();
  const client = clientOf(
    {
      predict(_, context) {
        header = context.requestHeader;
        return {};
      },
    },
    { headers: { authorization: "Bearer a", "x-team": "plants" } },
  );
  await client.predict({ features: [1] }, { headers: [["Authorization", "Bearer b"]] });
  expect(header.get("authorization")).toBe("Bearer b");
  expect(header.get("x-team")).toBe("plants");
});

describe("time limit", () => {
  const untilAborted = (context: HandlerContext) =>
    new Promise<never>((_, reject) => {
      context.signal.addEventListener("abort", () => reject(context.signal.reason));
    });

  test("of the client ends a call", async () => {
    const client = clientOf({ predict: (_, c) => untilAborted(c) }, { timeoutMs: 20 });
    await expect(client.predict({})).rejects.toMatchObject({ code: Code.DeadlineExceeded });
  });

  test("of the call wins over that of the client", async () => {
    const client = clientOf({ predict: (_, c) => untilAborted(c) });
    const call = client.predict({}, { timeoutMs: 20 });
    await expect(call).rejects.toMatchObject({ code: Code.DeadlineExceeded });
  });

  test("reaches the server in whole milliseconds; the default is ten seconds", async () => {
    const seen: (number | undefined)[] = [];
    const client = clientOf({
      health(_, context) {
        seen.push(context.timeoutMs());
        return {};
      },
    });
    await client.health();
    await client.health({}, { timeoutMs: 1234.5 });
    await client.health({}, { timeoutMs: 0 });
    expect(seen[0]).toBeGreaterThan(9_000);
    expect(seen[0]).toBeLessThanOrEqual(10_000);
    expect(seen[1]).toBeGreaterThan(235);
    expect(seen[1]).toBeLessThanOrEqual(1_235);
    expect(seen[2]).toBeUndefined();
  });

  test("out of bounds is refused", async () => {
    for (const timeoutMs of [-1, Number.NaN, Number.POSITIVE_INFINITY, 1e8]) {
      expect(() => clientOf({}, { timeoutMs })).toThrow(RangeError);
      await expect(clientOf({}).health({}, { timeoutMs })).rejects.toThrow(
        `timeoutMs: expected 1 to 99999999 milliseconds or 0 for no limit, found ${timeoutMs}`,
      );
    }
  });

  test("a signal cancels a call", async () => {
    const controller = new AbortController();
    const client = clientOf({
      predict(_, context) {
        setTimeout(() => controller.abort(), 5);
        return untilAborted(context);
      },
    });
    const error = await client.predict({}, { signal: controller.signal }).catch((e: unknown) => e);
    expect(error).toBeInstanceOf(ConnectError);
    expect(error).toMatchObject({ code: Code.Canceled });
  });
});

test("options out of their bounds are refused by name", () => {
  const baseUrl = "http://127.0.0.1:1";
  expect(() => createSepalClient({ baseUrl: "" })).toThrow(/^baseUrl: expected a URL/);
  expect(() => createSepalClient({ baseUrl: "localhost port 80" })).toThrow(/^baseUrl: /);
  expect(() => createSepalClient({ baseUrl, protocol: "grpc" as "connect" })).toThrow(
    'protocol: expected "grpc-web" or "connect", found "grpc"',
  );
  for (const attempts of [0, 1.5, Number.NaN]) {
    expect(() => createSepalClient({ baseUrl, retry: { attempts } })).toThrow(/^retry.attempts: /);
  }
  expect(() => createSepalClient({ baseUrl, retry: { baseDelayMs: -1 } })).toThrow(
    /^retry.baseDelayMs: /,
  );
  expect(() => createSepalClient({ baseUrl, retry: { maxDelayMs: Number.NaN } })).toThrow(
    /^retry.maxDelayMs: /,
  );
});
