/**
 * The client of a Sepal server, for browsers and every runtime with `fetch`.
 * `@sepal-ml/client/node` has the same client over Node's own HTTP stack.
 *
 * @packageDocumentation
 */
export type { Interceptor, Transport } from "@connectrpc/connect";
export { Code, ConnectError } from "@connectrpc/connect";
export { createSepalClient, type SepalClient } from "./client.js";
export { describeError, type ErrorDescription, fieldViolations } from "./errors.js";
export * from "./generated.js";
export type { CallOptions, ClientOptions, CommonOptions, RetryOptions } from "./options.js";
