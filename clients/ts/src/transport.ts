import { Code, ConnectError, type Transport } from "@connectrpc/connect";
import { createConnectTransport, createGrpcWebTransport } from "@connectrpc/connect-web";
import type { ClientOptions, WebOptions } from "./options.js";
import { refuseBidi } from "./stream.js";
import { interceptorsOf } from "./token.js";

const oneWay =
  "fetch cannot stream in both directions: use the client of @sepal-ml/client/node, or batchPredictStream";

/** Makes the transport over `fetch` that the options describe. */
export function createWebTransport(options: ClientOptions): Transport {
  const protocol = options.protocol ?? "grpc-web";
  switch (protocol) {
    case "grpc-web":
      return createGrpcWeb(options);
    case "connect":
      return refuseBidi(createConnectTransport(overFetch(options)), oneWay);
    default:
      throw new TypeError(`protocol: expected "grpc-web" or "connect", found "${protocol}"`);
  }
}

/** Makes the transport for gRPC-Web over `fetch`; a bundle that has no other is smaller. */
export function createGrpcWeb(options: WebOptions): Transport {
  return refuseBidi(createGrpcWebTransport(overFetch(options)), oneWay);
}

function overFetch(options: WebOptions) {
  checkBaseUrl(options.baseUrl);
  return {
    baseUrl: options.baseUrl,
    useBinaryFormat: options.useBinaryFormat ?? true,
    interceptors: interceptorsOf(options),
    fetch: reachingFetch(options),
  };
}

function checkBaseUrl(baseUrl: string): void {
  const page = globalThis.location?.href;
  if (typeof baseUrl !== "string" || !URL.canParse(baseUrl, page)) {
    throw new TypeError(
      `baseUrl: expected a URL such as "http://127.0.0.1:50051", found ${JSON.stringify(baseUrl)}`,
    );
  }
}

/**
 * `fetch` rejects with a TypeError of any text when it gets no response at all. That is
 * `unavailable`, and worth another attempt, where the transports would call it `unknown`.
 */
function reachingFetch(options: WebOptions): typeof globalThis.fetch {
  return async (input, init) => {
    const fetch = options.fetch ?? globalThis.fetch;
    try {
      return await fetch(input, init);
    } catch (error) {
      if (!(error instanceof TypeError) || init?.signal?.aborted) {
        throw error;
      }
      const server = options.baseUrl === "" ? "the server" : options.baseUrl;
      const text = `cannot reach ${server}: ${reason(error)}`;
      throw new ConnectError(text, Code.Unavailable, undefined, undefined, error);
    }
  };
}

function reason(error: Error): string {
  return error.cause instanceof Error && error.cause.message !== ""
    ? `${error.message}: ${error.cause.message}`
    : error.message;
}
