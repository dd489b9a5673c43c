import { Code, ConnectError } from "@connectrpc/connect";
import { expect, test } from "vitest";
import {
  describeError,
  isPermissionDenied,
  isRateLimited,
  isUnauthenticated,
  missingScope,
  retryAfterMs,
  TableError,
} from "../../src/index.js";
import { decodeRetryDelay } from "../../src/retry_info.js";
import { retryInfo } from "./retry_info.js";

function errorWith(code: Code, message: string, ...details: ConnectError["details"]) {
  const error = new ConnectError(message, code);
  error.details = details;
  return error;
}

test.each([
  [retryInfo(3).value, 3000],
  [retryInfo(0, 350_000_000).value, 350],
  [retryInfo(1, 500_000).value, 1000.5],
  [retryInfo(315_576_000_000).value, 315_576_000_000_000],
  [retryInfo(-3, -1).value, 0],
  [retryInfo(0).value, 0],
  [Uint8Array.of(), 0],
  [Uint8Array.of(0x0a, 0x7f), 0],
  // Fields that nobody knows, of each wire type, before the one that matters.
  [Uint8Array.of(0x10, 1, 0x1a, 1, 9, 0x25, 1, 2, 3, 4, 0x0a, 4, 0x18, 5, 0x08, 2), 2000],
])("a delay is read from what a server sends (%#)", (bytes, ms) => {
  expect(decodeRetryDelay(bytes)).toBe(ms);
});

test("an error says when to come back, also as the cause of a table's", () => {
  const error = errorWith(Code.ResourceExhausted, "too many requests", retryInfo(2));
  expect(retryAfterMs(error)).toBe(2000);
  expect(isRateLimited(error)).toBe(true);
  expect(describeError(error)).toEqual({
    code: "resource_exhausted",
    message: "too many requests",
    violations: [],
    retryAfterMs: 2000,
  });
  const table = new TableError(7, error);
  expect(retryAfterMs(table)).toBe(2000);
  expect(isRateLimited(table)).toBe(true);
});

test("what is too large is not a matter of time", () => {
  const error = errorWith(Code.ResourceExhausted, "message size 9 is larger than configured max 8");
  expect(retryAfterMs(error)).toBeUndefined();
  expect(isRateLimited(error)).toBe(false);
  expect(describeError(error)).not.toHaveProperty("retryAfterMs");
  expect(isRateLimited(errorWith(Code.Unavailable, "loading", retryInfo(2)))).toBe(false);
});

test("errors of who asks are told apart", () => {
  const stranger = errorWith(Code.Unauthenticated, "say who you are");
  const text = 'the call needs the scope "publish", which "ada" does not have; it has: read';
  const lacking = errorWith(Code.PermissionDenied, text);
  expect([isUnauthenticated(stranger), isPermissionDenied(stranger)]).toEqual([true, false]);
  expect([isUnauthenticated(lacking), isPermissionDenied(lacking)]).toEqual([false, true]);
  expect(missingScope(lacking)).toBe("publish");
  expect(describeError(lacking)).toMatchObject({ missingScope: "publish" });
  expect(missingScope(stranger)).toBeUndefined();
  expect(missingScope(errorWith(Code.PermissionDenied, "not from this page"))).toBeUndefined();
  expect(missingScope(errorWith(Code.Internal, text))).toBeUndefined();
  for (const value of [undefined, "text", new Error(text)]) {
    expect([isUnauthenticated(value), isPermissionDenied(value), isRateLimited(value)]).toEqual([
      false,
      false,
      false,
    ]);
    expect([missingScope(value), retryAfterMs(value)]).toEqual([undefined, undefined]);
  }
});
