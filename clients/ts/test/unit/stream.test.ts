import { createServer } from "node:http2";
import type { AddressInfo } from "node:net";
import { Code, ConnectError, type HandlerContext } from "@connectrpc/connect";
import { connectNodeAdapter } from "@connectrpc/connect-node";
import { afterEach, expect, test } from "vitest";
import { createSepalClient, PredictionService } from "../../src/index.js";
import { createSepalClient as createNodeClient } from "../../src/node.js";
import { clientOf } from "./router.js";

const unavailable = () => new ConnectError("draining", Code.Unavailable);
const servers: { close(): void }[] = [];

afterEach(() => {
  for (const server of servers.splice(0)) {
    server.close();
  }
});

async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const item of items) {
    all.push(item);
  }
  return all;
}

/** Resolves when the call that a handler answers is over. */
const over = (context: HandlerContext) =>
  new Promise<void>((resolve) => context.signal.addEventListener("abort", () => resolve()));

test("chunks of a batch come in order", async () => {
  const client = clientOf({
    async *batchPredictStream(request) {
      for (const [i, row] of (request.batch?.rows ?? []).entries()) {
        yield { firstRow: i, chunk: { modelVersion: `v${row.features[0]}` } };
      }
    },
  });
  const chunks = await collect(
    client.batchPredictStream({
      batch: { rows: [{ features: [1] }, { features: [2] }] },
      chunkRows: 1,
    }),
  );
  expect(chunks.map((c) => [c.firstRow, c.chunk?.modelVersion])).toEqual([
    [0, "v1"],
    [1, "v2"],
  ]);
});

test("a stream that fails before its first chunk is tried again", async () => {
  let attempts = 0;
  const client = clientOf(
    {
      async *batchPredictStream() {
        if (++attempts < 3) {
          throw unavailable();
        }
        yield { firstRow: 7 };
      },
    },
    { retry: { baseDelayMs: 1 } },
  );
  expect(await collect(client.batchPredictStream({}))).toMatchObject([{ firstRow: 7 }]);
  expect(attempts).toBe(3);
});

test("a stream that fails later is not: its reader gets what came, and the error", async () => {
  let attempts = 0;
  const client = clientOf(
    {
      async *batchPredictStream() {
        attempts++;
        yield { firstRow: 0 };
        throw unavailable();
      },
    },
    { retry: { baseDelayMs: 1 } },
  );
  const stream = client.batchPredictStream({})[Symbol.asyncIterator]();
  expect((await stream.next()).value).toMatchObject({ firstRow: 0 });
  await expect(stream.next()).rejects.toMatchObject({ code: Code.Unavailable });
  expect(attempts).toBe(1);
});

test("leaving the loop ends the call on the server", async () => {
  let ended: Promise<void> | undefined;
  const client = clientOf({
    async *batchPredictStream(_, context) {
      ended = over(context);
      for (let firstRow = 0; ; firstRow++) {
        yield { firstRow };
      }
    },
  });
  for await (const chunk of client.batchPredictStream({})) {
    if (chunk.firstRow === 2) {
      break;
    }
  }
  await ended;
});

test("a signal ends a stream", async () => {
  const controller = new AbortController();
  const client = clientOf({
    async *batchPredictStream(_, context) {
      yield { firstRow: 0 };
      await over(context);
    },
  });
  const stream = client.batchPredictStream({}, { signal: controller.signal });
  const reader = stream[Symbol.asyncIterator]();
  await reader.next();
  controller.abort();
  await expect(reader.next()).rejects.toMatchObject({ code: Code.Canceled });
});

test("a stream has the time limit of its call, and not that of the client", async () => {
  const seen: (number | undefined)[] = [];
  const client = clientOf(
    {
      async *batchPredictStream(_, context) {
        seen.push(context.timeoutMs());
        yield {};
      },
    },
    { timeoutMs: 20 },
  );
  await collect(client.batchPredictStream({}));
  await collect(client.batchPredictStream({}, { timeoutMs: 60_000 }));
  expect(seen[0]).toBeUndefined();
  expect(seen[1]).toBeGreaterThan(30_000);
  expect(seen[1]).toBeLessThanOrEqual(60_000);
});

const answerEach: Parameters<typeof clientOf>[0] = {
  async *predictStream(requests) {
    for await (const { request } of requests) {
      const length = request?.features.length ?? 0;
      yield length === 0
        ? { result: { case: "error", value: { code: "invalid_argument" } } }
        : { result: { case: "response", value: { prediction: `p${length}` } } };
    }
  },
};

const outcomes = (answers: { result: { case?: string | undefined } }[]) =>
  answers.map(({ result }) => result.case);

test("each request of a stream has an answer in its place, from any iterable", async () => {
  const client = clientOf(answerEach);
  async function* later() {
    yield { features: [1, 2] };
    yield {};
  }
  for (const requests of [[{ features: [1, 2] }, {}], later()]) {
    expect(outcomes(await collect(client.predictStream(requests)))).toEqual(["response", "error"]);
  }
  expect(await collect(client.predictStream([]))).toEqual([]);
});

test("a stream of requests is never tried again", async () => {
  let attempts = 0;
  const client = clientOf({
    // biome-ignore lint/correctness/useYield: it fails before it answers
    async *predictStream() {
      attempts++;
      throw unavailable();
    },
  });
  await expect(collect(client.predictStream([{}]))).rejects.toMatchObject({
    code: Code.Unavailable,
  });
  expect(attempts).toBe(1);
});

/** A PredictionService on HTTP/2, as Node's clients reach it. */
async function serve(): Promise<string> {
  const handler = connectNodeAdapter({
    routes: (router) => {
      router.service(PredictionService, answerEach);
    },
  });
  const server = createServer(handler);
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

test.each(["grpc", "grpc-web", "connect"] as const)(
  "over HTTP/2 and %s answers come while requests are still made",
  async (protocol) => {
    const client = createNodeClient({ baseUrl: await serve(), protocol });
    let answered = () => {};
    async function* oneByOne() {
      for (const features of [[1], [1, 2], [1, 2, 3]]) {
        const answer = new Promise<void>((resolve) => {
          answered = resolve;
        });
        yield { features };
        await answer;
      }
    }
    const predictions: string[] = [];
    for await (const { result } of client.predictStream(oneByOne())) {
      predictions.push(result.case === "response" ? result.value.prediction : "");
      answered();
    }
    expect(predictions).toEqual(["p1", "p2", "p3"]);
  },
);

test("leaving a stream over HTTP/2 closes its requests and leaves the client usable", async () => {
  const client = createNodeClient({ baseUrl: await serve() });
  let close = () => {};
  const closed = new Promise<void>((resolve) => {
    close = resolve;
  });
  async function* endless() {
    try {
      for (;;) {
        yield { features: [1] };
      }
    } finally {
      close();
    }
  }
  for await (const answer of client.predictStream(endless())) {
    expect(answer.result.case).toBe("response");
    break;
  }
  await closed;
  expect(outcomes(await collect(client.predictStream([{}])))).toEqual(["error"]);
});

test("where requests cannot be streamed, the stream says so and nothing is sent", async () => {
  const baseUrl = "http://127.0.0.1:1";
  const fetch = () => Promise.reject(new Error("must not be called"));
  for (const protocol of ["grpc-web", "connect"] as const) {
    const client = createSepalClient({ baseUrl, protocol, fetch });
    await expect(collect(client.predictStream([{}]))).rejects.toMatchObject({
      code: Code.Unimplemented,
      rawMessage: expect.stringMatching(/^predictStream: fetch cannot .*@sepal-ml\/client\/node/),
    });
    const node = createNodeClient({ baseUrl, protocol, httpVersion: "1.1" });
    await expect(collect(node.predictStream([{}]))).rejects.toMatchObject({
      code: Code.Unimplemented,
      rawMessage: 'predictStream: needs httpVersion "2"',
    });
  }
});
