/**
 * The client of a Sepal server, for browsers and every runtime with `fetch`.
 * `@sepal-ml/client/node` has the same client over Node's own HTTP stack.
 *
 * @packageDocumentation
 */
/** Makes a message from its schema, such as a `Variant` to put into a rollout. */
export { create } from "@bufbuild/protobuf";
export type { Interceptor, Transport } from "@connectrpc/connect";
export { Code, ConnectError } from "@connectrpc/connect";
export { createGrpcWebClient, createSepalClient, type SepalClient } from "./client.js";
export {
  describeError,
  type ErrorDescription,
  fieldViolations,
  isPermissionDenied,
  isRateLimited,
  isUnauthenticated,
  missingScope,
  retryAfterMs,
} from "./errors.js";
export * from "./generated.js";
export type { MonitoringCalls } from "./monitoring.js";
export type {
  CallOptions,
  ClientOptions,
  CommonOptions,
  RetryOptions,
  WebOptions,
} from "./options.js";
export type { PredictionCalls } from "./prediction.js";
export type { RegistryCalls } from "./registry.js";
export { newRequestId } from "./request_id.js";
export {
  classifyTable,
  type TableChunk,
  type TableOptions,
  type TableProgress,
} from "./table.js";
export type { NumberTable, Table, TableRow } from "./table_chunks.js";
export { TableError } from "./table_error.js";
