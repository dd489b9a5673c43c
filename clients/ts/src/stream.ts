import type { CallOptions as TransportCallOptions } from "@connectrpc/connect";
import { Code, ConnectError, type Transport } from "@connectrpc/connect";
import { callWithRetry } from "./call.js";
import type { CallOptions } from "./options.js";
import type { Policy } from "./policy.js";

/**
 * Yields the messages of a stream, which is opened when the first is asked for; again as the
 * policy says, as long as none has arrived. However the reader stops,
 * the call is ended on the server too.
 */
export async function* streamWithRetry<T>(
  policy: Policy,
  options: CallOptions,
  open: (options: TransportCallOptions) => AsyncIterable<T>,
): AsyncGenerator<T, void, undefined> {
  const { signal, stop } = stoppable(options.signal);
  const unlimited = { ...options, timeoutMs: options.timeoutMs ?? 0, signal };
  try {
    const opened = await callWithRetry(policy, unlimited, async (o) => {
      const iterator = open(o)[Symbol.asyncIterator]();
      return { iterator, first: await iterator.next() };
    });
    for (let next = opened.first; !next.done; next = await opened.iterator.next()) {
      yield next.value;
    }
  } finally {
    stop();
  }
}

/** A signal that `stop` aborts, or the outer one if that comes first. */
export function stoppable(outer: AbortSignal | undefined): {
  signal: AbortSignal;
  stop: () => void;
} {
  const controller = new AbortController();
  const follow = () => controller.abort(outer?.reason);
  if (outer?.aborted) {
    follow();
  } else {
    outer?.addEventListener("abort", follow, { once: true });
  }
  const stop = () => {
    outer?.removeEventListener("abort", follow);
    controller.abort();
  };
  return { signal: controller.signal, stop };
}

/** A transport that refuses streams in both directions in words, and carries all else. */
export function refuseBidi(transport: Transport, reason: string): Transport {
  return {
    unary: (...call) => transport.unary(...call),
    stream: (method, ...rest) =>
      method.methodKind === "bidi_streaming"
        ? Promise.reject(new ConnectError(`${method.localName}: ${reason}`, Code.Unimplemented))
        : transport.stream(method, ...rest),
  };
}
