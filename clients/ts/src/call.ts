import { Code, ConnectError, type CallOptions as TransportCallOptions } from "@connectrpc/connect";
import { retryAfterMs } from "./errors.js";
import type { CallOptions } from "./options.js";
import { checkTimeout, type Policy } from "./policy.js";

/**
 * Runs `attempt` until it succeeds, fails with what will not pass (see {@link RetryOptions}), or
 * attempts or time run out; then rejects with the last error. Each attempt gets the time that is
 * left.
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
      const delay = delayAfter(policy, attempts, error, deadline - performance.now());
      if (delay === undefined) {
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

/** How long to wait before another attempt, of which there may be none with so much time left. */
function delayAfter(
  policy: Policy,
  attempts: number,
  error: unknown,
  left: number,
): number | undefined {
  const { code } = ConnectError.from(error);
  const asked = retryAfterMs(error) ?? 0;
  const passes = code === Code.Unavailable || (code === Code.ResourceExhausted && asked > 0);
  if (attempts >= policy.attempts || !passes || asked >= left) {
    return undefined;
  }
  const longest = Math.min(policy.maxDelayMs, policy.baseDelayMs * 2 ** (attempts - 1));
  const random = longest * (0.5 + 0.5 * Math.random());
  // What the server asked for fits, so what is random about it may not keep the call from it.
  const delay = asked > 0 ? asked + Math.min(random, (left - asked) / 2) : random;
  return delay < left ? delay : undefined;
}

/** What timers take for more than this, they do at once. */
const longestTimer = 2 ** 31 - 1;

function sleep(ms: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    const stop = () => {
      clearTimeout(timer);
      reject(ConnectError.from(signal?.reason, Code.Canceled));
    };
    const timer = setTimeout(
      () => {
        signal?.removeEventListener("abort", stop);
        resolve();
      },
      Math.min(ms, longestTimer),
    );
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
