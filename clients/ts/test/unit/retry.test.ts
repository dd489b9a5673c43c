import { Code, ConnectError } from "@connectrpc/connect";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { callWithRetry } from "../../src/call.js";
import { PredictionService, RegistryService } from "../../src/index.js";
import { policyOf } from "../../src/policy.js";
import { retryInfo } from "./retry_info.js";
import { clientOfRoutes } from "./router.js";

beforeEach(() => {
  vi.useFakeTimers();
  vi.spyOn(Math, "random").mockReturnValue(1);
});

afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

const unavailable = () => new ConnectError("draining", Code.Unavailable);

/** An attempt that fails with the errors in turn and then succeeds; it records its calls. */
function failing(...errors: unknown[]) {
  const start = performance.now();
  const at: number[] = [];
  const limits: (number | undefined)[] = [];
  const attempt = async (options: { timeoutMs?: number }) => {
    at.push(performance.now() - start);
    limits.push(options.timeoutMs);
    if (errors.length > 0) {
      throw errors.shift();
    }
    return "answer";
  };
  return { attempt, at, limits };
}

test("unavailable is tried again after delays that double", async () => {
  const { attempt, at, limits } = failing(unavailable(), unavailable(), unavailable());
  const policy = policyOf({ retry: { attempts: 4, baseDelayMs: 100, maxDelayMs: 250 } });
  const call = callWithRetry(policy, {}, attempt);
  await vi.runAllTimersAsync();
  expect(await call).toBe("answer");
  expect(at).toEqual([0, 100, 300, 550]);
  expect(limits).toEqual([10_000, 9_900, 9_700, 9_450]);
});

test("the delay is at least half as long", async () => {
  vi.mocked(Math.random).mockReturnValue(0);
  const { attempt, at } = failing(unavailable(), unavailable());
  const call = callWithRetry(policyOf({}), {}, attempt);
  await vi.runAllTimersAsync();
  expect(await call).toBe("answer");
  expect(at).toEqual([0, 50, 150]);
});

test("after the last attempt the last error is thrown; three attempts are the default", async () => {
  const last = unavailable();
  const { attempt, at } = failing(unavailable(), unavailable(), last);
  const call = callWithRetry(policyOf({}), {}, attempt).catch((e: unknown) => e);
  await vi.runAllTimersAsync();
  expect(await call).toBe(last);
  expect(at).toHaveLength(3);
});

test("retry: false makes one attempt", async () => {
  const { attempt, at } = failing(unavailable());
  const call = callWithRetry(policyOf({ retry: false }), {}, attempt);
  await expect(call).rejects.toMatchObject({ code: Code.Unavailable });
  expect(at).toHaveLength(1);
});

test("no other error is tried again", async () => {
  const errors = [
    new ConnectError("no", Code.InvalidArgument),
    new ConnectError("late", Code.DeadlineExceeded),
    new ConnectError("slow down", Code.ResourceExhausted),
    new ConnectError("oops", Code.Internal),
    new ConnectError("stop", Code.Canceled),
    new TypeError("not of a call"),
  ];
  for (const error of errors) {
    const { attempt, at } = failing(error);
    await expect(callWithRetry(policyOf({}), {}, attempt)).rejects.toBe(error);
    expect(at).toHaveLength(1);
  }
});

const exhausted = (seconds: number) => {
  const error = new ConnectError("too many requests", Code.ResourceExhausted);
  error.details = [retryInfo(seconds)];
  return error;
};

test("the server's delay comes before the random one", async () => {
  const { attempt, at } = failing(exhausted(3), unavailable(), exhausted(1));
  const call = callWithRetry(policyOf({ retry: { attempts: 4 } }), {}, attempt);
  await vi.runAllTimersAsync();
  expect(await call).toBe("answer");
  expect(at).toEqual([0, 3_100, 3_300, 4_700]);
});

test("what the server's delay leaves of the time is enough for the random one", async () => {
  const { attempt, at, limits } = failing(exhausted(3));
  const policy = policyOf({ timeoutMs: 3_100, retry: { baseDelayMs: 2_000 } });
  const call = callWithRetry(policy, {}, attempt);
  await vi.runAllTimersAsync();
  expect(await call).toBe("answer");
  expect(at).toEqual([0, 3_050]);
  expect(limits).toEqual([3_100, 50]);
});

test("a delay of the server that does not fit into the time is not begun", async () => {
  const last = exhausted(10);
  const { attempt, at } = failing(last);
  await expect(callWithRetry(policyOf({}), {}, attempt)).rejects.toBe(last);
  expect(at).toHaveLength(1);
});

test("who may not is told so at once, whatever the server says of time", async () => {
  for (const code of [Code.Unauthenticated, Code.PermissionDenied]) {
    const error = new ConnectError("no", code);
    error.details = [retryInfo(1)];
    const { attempt, at } = failing(error);
    await expect(callWithRetry(policyOf({}), {}, attempt)).rejects.toBe(error);
    expect(at).toHaveLength(1);
  }
});

test("a delay that would pass the deadline is not begun", async () => {
  const { attempt, at } = failing(unavailable(), unavailable());
  const call = callWithRetry(policyOf({ timeoutMs: 250 }), {}, attempt).catch((e: unknown) => e);
  await vi.runAllTimersAsync();
  expect(await call).toMatchObject({ code: Code.Unavailable });
  expect(at).toEqual([0, 100]);
});

test("without a time limit attempts have none", async () => {
  const { attempt, limits } = failing(unavailable());
  const call = callWithRetry(policyOf({ timeoutMs: 0 }), {}, attempt);
  await vi.runAllTimersAsync();
  expect(await call).toBe("answer");
  expect(limits).toEqual([0, 0]);
});

test("a signal ends the delay at once", async () => {
  const { attempt, at } = failing(unavailable());
  const controller = new AbortController();
  const policy = policyOf({ retry: { baseDelayMs: 5_000, maxDelayMs: 5_000 } });
  const call = callWithRetry(policy, { signal: controller.signal }, attempt).catch(
    (e: unknown) => e,
  );
  await vi.advanceTimersByTimeAsync(1_000);
  controller.abort();
  expect(await call).toMatchObject({ code: Code.Canceled });
  expect(vi.getTimerCount()).toBe(0);
  expect(at).toHaveLength(1);
});

test("a signal aborted during an attempt allows no other", async () => {
  const controller = new AbortController();
  let attempts = 0;
  const call = callWithRetry(policyOf({}), { signal: controller.signal }, async () => {
    attempts++;
    controller.abort("enough");
    throw unavailable();
  });
  await expect(call).rejects.toMatchObject({ code: Code.Canceled, rawMessage: "enough" });
  expect(attempts).toBe(1);
});

test("every method of the client tries again", async () => {
  vi.useRealTimers();
  let attempts = 0;
  const everyOther = () => {
    attempts++;
    if (attempts % 2 === 1) {
      throw unavailable();
    }
    return {};
  };
  const client = clientOfRoutes(
    (router) => {
      router.service(PredictionService, {
        health: everyOther,
        predict: everyOther,
        batchPredict: everyOther,
      });
      router.service(RegistryService, { getVersion: everyOther });
    },
    { retry: { baseDelayMs: 1 } },
  );
  await client.health();
  await client.predict({});
  await client.batchPredict({});
  await client.getVersion();
  expect(attempts).toBe(8);
});
