import { Code, ConnectError, type CallOptions as TransportCallOptions } from "@connectrpc/connect";
import type { CallOptions } from "./options.js";
import { checkTimeout, type Policy } from "./policy.js";

/**
 * Runs `attempt` until it succeeds, fails with anything but `unavailable`, or attempts or
 * time run out; then rejects with the last error. Each attempt gets the time that is left.
 */
export async function callWithRetry<T>(
  policy: Policy,
  options: CallOptions,
  attempt: (options: TransportCallOptions) => Promise<T>,
): Promise<T> {
  const timeoutMs =
    options.timeoutMs === undefined ? policy.timeoutMs : checkTimeout(options.timeoutMs);
  const deadline = timeoutMs === 0 ? Number.POSITIVE_INFINITY : performance.now() + timeoutMs;
  const headers = mergeHeaders(policy.headers, options.headers);
  const signal = options.signal;

  for (let attempts = 1, left = timeoutMs; ; attempts++) {
    try {
      return await attempt({ timeoutMs: left, headers, ...(signal && { signal }) });
    } catch (error) {
      const delay = delayAfter(policy, attempts);
      const isOver =
        attempts >= policy.attempts ||
        ConnectError.from(error).code !== Code.Unavailable ||
        performance.now() + delay >= deadline;
      if (isOver) {
        throw error;
      }
      await sleep(delay, signal);
      if (timeoutMs !== 0) {
        left = Math.ceil(deadline - performance.now());
        if (left <= 0) {
          throw error;
        }
      }
    }
  }
}

function delayAfter(policy: Policy, attempts: number): number {
  const longest = Math.min(policy.maxDelayMs, policy.baseDelayMs * 2 ** (attempts - 1));
  return longest * (0.5 + 0.5 * Math.random());
}

function sleep(ms: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    const stop = () => {
      clearTimeout(timer);
      reject(ConnectError.from(signal?.reason, Code.Canceled));
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener("abort", stop);
      resolve();
    }, ms);
    if (signal?.aborted) {
      stop();
    } else {
      signal?.addEventListener("abort", stop, { once: true });
    }
  });
}

function mergeHeaders(base: Headers, extra: HeadersInit | undefined): Headers {
  const headers = new Headers(base);
  new Headers(extra).forEach((value, name) => {
    headers.set(name, value);
  });
  return headers;
}
