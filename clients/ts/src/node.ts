/**
 * The client of a Sepal server over Node's own HTTP stack: HTTP/2, and gRPC besides the
 * protocols of browsers.
 *
 * @packageDocumentation
 */
import type { Transport } from "@connectrpc/connect";
import {
  createConnectTransport,
  createGrpcTransport,
  createGrpcWebTransport,
  type GrpcTransportOptions,
} from "@connectrpc/connect-node";
import { createClientOver, type SepalClient } from "./client.js";
import type { CommonOptions } from "./options.js";
import { refuseBidi } from "./stream.js";
import { interceptorsOf } from "./token.js";

export * from "./index.js";

/** The options of Node for connections over TLS, those of HTTP/2 sessions among them. */
export type TlsOptions = NonNullable<GrpcTransportOptions["nodeOptions"]>;

/** Where the server is and how Node talks to it. */
export interface NodeClientOptions extends CommonOptions {
  /**
   * The URL of the server, such as "http://127.0.0.1:50051"; may have a path. Not used with
   * `transport`.
   */
  baseUrl: string;

  /** The protocol to speak. Default: "grpc". */
  protocol?: "grpc" | "grpc-web" | "connect" | undefined;

  /**
   * The version of HTTP to speak, without negotiation: over plain http, "2" expects a server
   * that takes it at once, as Sepal does. gRPC needs "2". Default: "2".
   */
  httpVersion?: "1.1" | "2" | undefined;

  /** Whether messages travel as binary Protobuf, or else as JSON. Default: true. */
  useBinaryFormat?: boolean | undefined;

  /**
   * How the server is known at an https:// `baseUrl`, and what certificate is shown to it, as
   * `tls.connect` of Node takes it: `ca`, `cert`, `key`. Default: by the authorities that Node
   * trusts, and none.
   */
  tls?: TlsOptions | undefined;
}

/**
 * Makes a client over Node's HTTP stack. It connects when it is first used and need not be
 * closed: an idle connection does not keep the process alive.
 *
 * @throws TypeError when `baseUrl`, `protocol` or `token` is none, for gRPC over HTTP/1.1, and for
 * a token that would travel in clear text.
 * @throws RangeError when a number is out of its bounds.
 */
export function createSepalClient(options: NodeClientOptions): SepalClient {
  return createClientOver(options.transport ?? createNodeTransport(options), options);
}

function createNodeTransport(options: NodeClientOptions): Transport {
  if (!URL.canParse(options.baseUrl)) {
    throw new TypeError(
      `baseUrl: expected a URL such as "http://127.0.0.1:50051", found "${options.baseUrl}"`,
    );
  }
  const httpVersion = options.httpVersion ?? "2";
  const transportOptions = {
    baseUrl: options.baseUrl,
    useBinaryFormat: options.useBinaryFormat ?? true,
    interceptors: interceptorsOf(options),
    ...(options.tls && { nodeOptions: options.tls as object }), // the same for both versions
  };
  const protocol = options.protocol ?? "grpc";
  const capable = (transport: Transport) =>
    httpVersion === "2" ? transport : refuseBidi(transport, 'needs httpVersion "2"');
  switch (protocol) {
    case "grpc":
      if (httpVersion !== "2") {
        throw new TypeError(`httpVersion: expected "2" with gRPC, found "${httpVersion}"`);
      }
      return createGrpcTransport(transportOptions);
    case "grpc-web":
      return capable(createGrpcWebTransport({ ...transportOptions, httpVersion }));
    case "connect":
      return capable(createConnectTransport({ ...transportOptions, httpVersion }));
    default:
      throw new TypeError(
        `protocol: expected "grpc", "grpc-web" or "connect", found "${protocol}"`,
      );
  }
}
