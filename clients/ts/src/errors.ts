import { Code, ConnectError } from "@connectrpc/connect";
import type { FieldViolation } from "#gen/sepal/prediction/v1/prediction_service_pb.js";
import { decodeBadRequest } from "./bad_request.js";
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
}

/**
 * Describes whatever a call was rejected with; any other value has the code "unknown". Of a
 * {@link TableError}, its cause is described.
 */
export function describeError(error: unknown): ErrorDescription {
  const connectError = ConnectError.from(causeOf(error));
  const requestId = connectError.metadata.get("x-request-id");
  return {
    code: codeName(connectError.code),
    message: connectError.rawMessage,
    violations: fieldViolations(connectError),
    ...(requestId && { requestId }),
  };
}

/**
 * The values that the server refused, from the google.rpc.BadRequest details of an error.
 * Empty for any other value, and where details cannot be read.
 */
export function fieldViolations(error: unknown): FieldViolation[] {
  const cause = causeOf(error);
  if (!(cause instanceof ConnectError)) {
    return [];
  }
  return cause.details.flatMap((detail) =>
    "type" in detail && detail.type === "google.rpc.BadRequest"
      ? decodeBadRequest(detail.value)
      : [],
  );
}

function causeOf(error: unknown): unknown {
  return error instanceof TableError ? error.cause : error;
}

function codeName(code: Code): string {
  const name = Code[code] ?? "Unknown";
  return name.replace(/(?<!^)[A-Z]/g, (letter) => `_${letter}`).toLowerCase();
}
