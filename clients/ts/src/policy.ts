import type { CommonOptions } from "./options.js";

/** A client's options with every default filled in. */
export interface Policy {
  /** 0: no limit. */
  readonly timeoutMs: number;
  readonly headers: Headers;
  readonly attempts: number;
  readonly baseDelayMs: number;
  readonly maxDelayMs: number;
}

/**
 * The largest time limit: gRPC's header has eight digits.
 */
const maxTimeoutMs = 99_999_999;

/** Fills in the defaults. Throws a RangeError that names the option out of its bounds. */
export function policyOf(options: CommonOptions): Policy {
  const retry = options.retry === false ? { attempts: 1 } : (options.retry ?? {});
  const attempts = retry.attempts ?? 3;
  if (!Number.isInteger(attempts) || attempts < 1) {
    throw new RangeError(`retry.attempts: expected a whole number from 1, found ${attempts}`);
  }
  return {
    timeoutMs: checkTimeout(options.timeoutMs ?? 10_000),
    headers: new Headers(options.headers),
    attempts,
    baseDelayMs: checkDelay("retry.baseDelayMs", retry.baseDelayMs ?? 100),
    maxDelayMs: checkDelay("retry.maxDelayMs", retry.maxDelayMs ?? 2_000),
  };
}

/** Returns a time limit in whole milliseconds, or throws a RangeError. */
export function checkTimeout(timeoutMs: number): number {
  if (!(timeoutMs >= 0 && timeoutMs <= maxTimeoutMs)) {
    throw new RangeError(
      `timeoutMs: expected 1 to ${maxTimeoutMs} milliseconds or 0 for no limit, found ${timeoutMs}`,
    );
  }
  return Math.ceil(timeoutMs);
}

function checkDelay(name: string, ms: number): number {
  if (!(ms >= 0 && ms <= maxTimeoutMs)) {
    throw new RangeError(`${name}: expected 0 to ${maxTimeoutMs} milliseconds, found ${ms}`);
  }
  return ms;
}
