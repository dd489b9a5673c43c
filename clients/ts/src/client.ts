import type { Transport } from "@connectrpc/connect";
import { type MonitoringCalls, monitoringCalls } from "./monitoring.js";
import type { ClientOptions, CommonOptions, WebOptions } from "./options.js";
import { policyOf } from "./policy.js";
import { type PredictionCalls, predictionCalls } from "./prediction.js";
import { type RegistryCalls, registryCalls } from "./registry.js";
import { createGrpcWeb, createWebTransport } from "./transport.js";

/**
 * The calls of a Sepal server. Requests may be plain objects, and fields left out have their
 * defaults. A call that fails rejects with a `ConnectError`: `describeError` says its code,
 * its message and the values refused. Methods may be taken off the object and called at once
 * any number of times.
 */
export interface SepalClient extends PredictionCalls, RegistryCalls, MonitoringCalls {}

/**
 * Makes a client. It connects when it is first used, and need not be closed.
 *
 * @throws TypeError when `baseUrl`, `protocol` or `token` is none, and for a token that would travel
 * in clear text.
 * @throws RangeError when a number is out of its bounds.
 */
export function createSepalClient(options: ClientOptions): SepalClient {
  return createClientOver(options.transport ?? createWebTransport(options), options);
}

/**
 * Makes the client of {@link createSepalClient} that speaks gRPC-Web, in binary unless the options
 * say otherwise, and nothing else: for pages, where each kB counts. A bundle with this one alone has
 * nothing of the Connect protocol.
 *
 * @throws TypeError and RangeError as {@link createSepalClient}.
 */
export function createGrpcWebClient(options: WebOptions): SepalClient {
  return createClientOver(options.transport ?? createGrpcWeb(options), options);
}

/** Makes a client whose calls a transport carries. */
export function createClientOver(transport: Transport, common: CommonOptions): SepalClient {
  const policy = policyOf(common);
  return {
    ...predictionCalls(transport, policy),
    ...registryCalls(transport, policy),
    ...monitoringCalls(transport, policy),
  };
}
