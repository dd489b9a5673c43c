import { Code, ConnectError } from "@connectrpc/connect";
import type { FieldViolation } from "#gen/sepal/prediction/v1/prediction_service_pb.js";
import { decodeBadRequest } from "./bad_request.js";
import { decodeRetryDelay } from "./retry_info.js";
import { TableError } from "./table_error.js";

/** What there is to say about an error of a call. */
export interface ErrorDescription {
  /**
   * The name of the error code in lower case, such as "invalid_argument"; as in RowError, so
   * that both can be shown alike. "unknown" for an error that no call made.
   */
  code: string;

  /** What was wrong, for people. Without the code. */
  message: string;

  /** The values refused, in the server's order. Empty where the server names none. */
  violations: FieldViolation[];

  /** The id under which the server's log tells more. Absent: the call never got there. */
  requestId?: string;

  /** See {@link retryAfterMs}. Absent: the server does not say. */
  retryAfterMs?: number;

  /** See {@link missingScope}. Absent: none is missing. */
  missingScope?: string;
}

/**
 * Describes whatever a call was rejected with; any other value has the code "unknown". Of a
 * {@link TableError}, its cause is described.
 */
export function describeError(error: unknown): ErrorDescription {
  const connectError = ConnectError.from(causeOf(error));
  const requestId = connectError.metadata.get("x-request-id");
  const retryMs = retryAfterMs(connectError);
  const scope = missingScope(connectError);
  return {
    code: codeName(connectError.code),
    message: connectError.rawMessage,
    violations: fieldViolations(connectError),
    ...(requestId && { requestId }),
    ...(retryMs !== undefined && { retryAfterMs: retryMs }),
    ...(scope !== undefined && { missingScope: scope }),
  };
}

/**
 * The values that the server refused, from the google.rpc.BadRequest details of an error.
 * Empty for any other value, and where details cannot be read.
 */
export function fieldViolations(error: unknown): FieldViolation[] {
  return detailsOf(error, "google.rpc.BadRequest").flatMap(decodeBadRequest);
}

/** Whether the server does not know who asks: there is no token, or it is not good there. */
export function isUnauthenticated(error: unknown): boolean {
  return hasCode(error, Code.Unauthenticated);
}

/** Whether the server knows who asks, and they may not. */
export function isPermissionDenied(error: unknown): boolean {
  return hasCode(error, Code.PermissionDenied);
}

/**
 * Whether the server refused a call since there were too many: of this caller, or of all. The same
 * call may be answered {@link retryAfterMs} later. A request that is too large is no such error.
 */
export function isRateLimited(error: unknown): boolean {
  return hasCode(error, Code.ResourceExhausted) && retryAfterMs(error) !== undefined;
}

/**
 * How long the server asked to be left alone, in milliseconds from the error on, from its
 * google.rpc.RetryInfo. Undefined where it did not.
 */
export function retryAfterMs(error: unknown): number | undefined {
  const delays = detailsOf(error, "google.rpc.RetryInfo").map(decodeRetryDelay);
  return delays.find((ms) => ms > 0);
}

/**
 * The scope that who asks would have to be granted for the call: "predict", "read", "publish" or
 * "admin". Undefined for any error but `permission_denied`, and where the server names none.
 */
export function missingScope(error: unknown): string | undefined {
  const cause = causeOf(error);
  if (!(cause instanceof ConnectError) || cause.code !== Code.PermissionDenied) return undefined;
  return /^the call needs the scope "(\w+)"/.exec(cause.rawMessage)?.[1];
}

function hasCode(error: unknown, code: Code): boolean {
  const cause = causeOf(error);
  return cause instanceof ConnectError && cause.code === code;
}

/** The details of an error of a type, as they came. */
function detailsOf(error: unknown, type: string): Uint8Array[] {
  const cause = causeOf(error);
  if (!(cause instanceof ConnectError)) {
    return [];
  }
  return cause.details.flatMap((detail) =>
    "type" in detail && detail.type === type ? [detail.value] : [],
  );
}

function causeOf(error: unknown): unknown {
  return error instanceof TableError ? error.cause : error;
}

function codeName(code: Code): string {
  const name = Code[code] ?? "Unknown";
  return name.replace(/(?<!^)[A-Z]/g, (letter) => `_${letter}`).toLowerCase();
}
