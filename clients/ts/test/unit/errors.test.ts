import { Code, ConnectError } from "@connectrpc/connect";
import { expect, test } from "vitest";
import { describeError, fieldViolations } from "../../src/index.js";
import { badRequest } from "./bad_request.js";
import { clientOf } from "./router.js";

const violation = { field: "features[2]", description: "expected a finite number, found NaN" };

test("an error of the server is described with its violations and request id", async () => {
  const client = clientOf({
    predict() {
      const error = new ConnectError("features: 1 value refused", Code.InvalidArgument, {
        "x-request-id": "r-17",
      });
      error.details = [
        { type: "google.rpc.RetryInfo", value: Uint8Array.of(1, 2, 3) },
        { type: "google.rpc.BadRequest", value: badRequest([violation]) },
      ];
      throw error;
    },
  });
  const error = await client.predict({ features: [1] }).catch((e: unknown) => e);
  expect(error).toBeInstanceOf(ConnectError);
  expect(describeError(error)).toMatchObject({
    code: "invalid_argument",
    message: "features: 1 value refused",
    violations: [violation],
    requestId: "r-17",
  });
  expect(fieldViolations(error)).toMatchObject([violation]);
});

test("violations of several details are joined", () => {
  const error = new ConnectError("no", Code.InvalidArgument);
  const other = { field: "inputs.x", description: "unknown" };
  error.details = [violation, other].map((v) => ({
    type: "google.rpc.BadRequest",
    value: badRequest([v]),
  }));
  expect(fieldViolations(error)).toMatchObject([violation, other]);
});

test("a detail that cannot be read leaves the error describable", () => {
  const error = new ConnectError("no", Code.InvalidArgument);
  error.details = [{ type: "google.rpc.BadRequest", value: Uint8Array.of(0x0a, 0x7f) }];
  expect(describeError(error)).toEqual({
    code: "invalid_argument",
    message: "no",
    violations: [],
  });
});

test("every code has the name that the protocols give it", () => {
  const names: [Code, string][] = [
    [Code.Canceled, "canceled"],
    [Code.Unknown, "unknown"],
    [Code.InvalidArgument, "invalid_argument"],
    [Code.DeadlineExceeded, "deadline_exceeded"],
    [Code.NotFound, "not_found"],
    [Code.AlreadyExists, "already_exists"],
    [Code.PermissionDenied, "permission_denied"],
    [Code.ResourceExhausted, "resource_exhausted"],
    [Code.FailedPrecondition, "failed_precondition"],
    [Code.Aborted, "aborted"],
    [Code.OutOfRange, "out_of_range"],
    [Code.Unimplemented, "unimplemented"],
    [Code.Internal, "internal"],
    [Code.Unavailable, "unavailable"],
    [Code.DataLoss, "data_loss"],
    [Code.Unauthenticated, "unauthenticated"],
  ];
  for (const [code, name] of names) {
    expect(describeError(new ConnectError("", code)).code).toBe(name);
  }
});

test("values that are no errors of a call are described too", () => {
  const cases: [unknown, string, string][] = [
    [new RangeError("timeoutMs: out of bounds"), "unknown", "timeoutMs: out of bounds"],
    [new DOMException("stopped", "AbortError"), "canceled", "stopped"],
    ["text", "unknown", "text"],
    [undefined, "unknown", "undefined"],
    [null, "unknown", "null"],
  ];
  for (const [value, code, message] of cases) {
    expect(describeError(value)).toEqual({ code, message, violations: [] });
    expect(fieldViolations(value)).toEqual([]);
  }
});
