import type { Interceptor, Transport } from "@connectrpc/connect";

/** How a client behaves, whatever carries its calls. */
export interface CommonOptions {
  /**
   * Time that a call may take over all its attempts, in milliseconds: 1 to 99999999, or 0
   * for no limit. A call that takes longer fails with `deadline_exceeded`. Streams have only the
   * limit of their own call. Default: 10000.
   */
  timeoutMs?: number | undefined;

  /** Headers of every request. Those of a call win where both have a name. Default: none. */
  headers?: HeadersInit | undefined;

  /**
   * Who asks: a token that every request carries as "Authorization: Bearer TOKEN", or a function
   * that returns it, or undefined for none. The function is asked before every attempt, and should
   * keep its token while that is good; where it fails, the call fails with `unauthenticated`, or
   * with the `ConnectError` that it throws. No interceptor and no error shows the token, and it
   * wins over an Authorization header. Not used with `transport`. Default: none.
   */
  token?: string | (() => string | undefined | Promise<string | undefined>) | undefined;

  /**
   * Whether the token may be sent in clear text to other machines too, where anyone on the way can
   * read it: for networks that are encrypted beneath. Otherwise a client with a token and a
   * `baseUrl` of http:// is for this machine alone. Default: false.
   */
  clearTextToken?: boolean | undefined;

  /**
   * Functions around every attempt, the first outermost; for logs or traces. Not used with
   * `transport`. Default: none.
   */
  interceptors?: Interceptor[] | undefined;

  /** When a call is tried again; false for never. Default: see {@link RetryOptions}. */
  retry?: RetryOptions | false | undefined;

  /**
   * Carries the calls in place of one made from the other options: in tests, a
   * `createRouterTransport` of `@connectrpc/connect`. Default: none.
   */
  transport?: Transport | undefined;
}

/** Where the server is and how a browser talks to it, by whatever protocol. */
export interface WebOptions extends CommonOptions {
  /**
   * The URL of the server, such as "http://127.0.0.1:50051"; may have a path. In a browser
   * it may be relative to the page: "" is the page's own origin. Not used with `transport`.
   */
  baseUrl: string;

  /**
   * Whether messages travel as binary Protobuf, or else as JSON, which is larger, slower and
   * readable in developer tools. Default: true.
   */
  useBinaryFormat?: boolean | undefined;

  /** Makes the requests. Default: the global `fetch` at the time of the call. */
  fetch?: typeof globalThis.fetch | undefined;
}

/** Where the server is and how a browser talks to it. */
export interface ClientOptions extends WebOptions {
  /** The protocol to speak. Default: "grpc-web". */
  protocol?: "grpc-web" | "connect" | undefined;
}

/**
 * When a call is tried again: after `unavailable`, and after `resource_exhausted` where the server
 * says when to come back (google.rpc.RetryInfo), as long as attempts and the call's time last. A second attempt never does harm: calls that change something carry a
 * request id, under which the server makes them once, and the one that has none (`reload`) is
 * tried once. A stream is tried again only until its first message.
 *
 * The delay before attempt n + 1 is random between half of and all of
 * min(`maxDelayMs`, `baseDelayMs` · 2^(n-1)), and begins when the time is over that the server
 * asked for. A call is not tried again where that does not fit into its time.
 */
export interface RetryOptions {
  /** The most attempts of one call, the first included; at least 1. Default: 3. */
  attempts?: number | undefined;

  /** The longest delay before the second attempt, in milliseconds; at least 0. Default: 100. */
  baseDelayMs?: number | undefined;

  /** The longest delay before any attempt, in milliseconds; at least 0. Default: 2000. */
  maxDelayMs?: number | undefined;
}

/** What may differ from call to call. */
export interface CallOptions {
  /** Cancels the call, which then fails with `canceled`. Default: none. */
  signal?: AbortSignal | undefined;

  /** In place of {@link CommonOptions.timeoutMs}; of a stream, from its first message asked for. */
  timeoutMs?: number | undefined;

  /** Headers of this call. Default: none. */
  headers?: HeadersInit | undefined;
}
