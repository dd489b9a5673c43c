import { Code, ConnectError, type Transport } from "@connectrpc/connect";
import { createConnectTransport, createGrpcWebTransport } from "@connectrpc/connect-web";
import type { ClientOptions } from "./options.js";
import { refuseBidi } from "./stream.js";

const oneWay =
  "fetch cannot stream in both directions: use the client of @sepal-ml/client/node, or batchPredictStream";

/** Makes the transport over `fetch` that the options describe. */
export function createWebTransport(options: ClientOptions): Transport {
  checkBaseUrl(options.baseUrl);
  const transportOptions = {
    baseUrl: options.baseUrl,
    useBinaryFormat: options.useBinaryFormat ?? true,
    interceptors: options.interceptors ?? [],
    fetch: reachingFetch(options),
  };
  const protocol = options.protocol ?? "grpc-web";
  switch (protocol) {
    case "grpc-web":
      return refuseBidi(createGrpcWebTransport(transportOptions), oneWay);
    case "connect":
      return refuseBidi(createConnectTransport(transportOptions), oneWay);
    default:
      throw new TypeError(`protocol: expected "grpc-web" or "connect", found "${protocol}"`);
  }
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
function reachingFetch(options: ClientOptions): typeof globalThis.fetch {
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
