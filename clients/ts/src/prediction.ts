import type { MessageInitShape } from "@bufbuild/protobuf";
import { createClient, type Transport } from "@connectrpc/connect";
import {
  type BatchPredictRequestSchema,
  type BatchPredictResponse,
  type BatchPredictStreamRequestSchema,
  type BatchPredictStreamResponse,
  type HealthRequestSchema,
  type HealthResponse,
  PredictionService,
  type PredictRequestSchema,
  type PredictResponse,
  type PredictStreamRequestSchema,
  type PredictStreamResponse,
} from "#gen/sepal/prediction/v1/prediction_service_pb.js";
import { callWithRetry } from "./call.js";
import type { CallOptions } from "./options.js";
import type { Policy } from "./policy.js";
import { streamWithRetry } from "./stream.js";

/** The calls that classify rows. None changes anything on the server. */
export interface PredictionCalls {
  /** Says whether the server is ready and what it serves by default. */
  health(
    request?: MessageInitShape<typeof HealthRequestSchema>,
    options?: CallOptions,
  ): Promise<HealthResponse>;

  /**
   * Classifies one row. Fails with `invalid_argument` when the row does not fit the model's
   * signature and with `not_found` when there is no such model or version.
   */
  predict(
    request: MessageInitShape<typeof PredictRequestSchema>,
    options?: CallOptions,
  ): Promise<PredictResponse>;

  /**
   * Classifies many rows. A row that does not fit has an error in its own result; the call
   * fails only for what is wrong with the request as a whole. Rows of numbers are much
   * cheaper as `matrix`; {@link classifyTable} sends a table of any size so.
   */
  batchPredict(
    request: MessageInitShape<typeof BatchPredictRequestSchema>,
    options?: CallOptions,
  ): Promise<BatchPredictResponse>;

  /**
   * Classifies many rows and yields the results in chunks, in the order of the request: the
   * first arrive while the rest are being computed. Fails as {@link batchPredict}, from the
   * iteration. Works in browsers.
   *
   * The call begins with the iteration and may be iterated once; leaving the loop ends it. It
   * has no time limit but `timeoutMs` of the call, and is tried again only until the first
   * chunk.
   */
  batchPredictStream(
    request: MessageInitShape<typeof BatchPredictStreamRequestSchema>,
    options?: CallOptions,
  ): AsyncIterable<BatchPredictStreamResponse>;

  /**
   * Classifies one row per request and yields an answer to each, in order. A request that
   * cannot be answered has an error in its place, and the stream goes on. Requests are taken
   * from the iterable as fast as the server reads them, whether or not answers are read.
   *
   * Needs HTTP/2 in both directions: with the client of `@sepal-ml/client/node`. In browsers,
   * over `fetch` and over HTTP/1.1 the iteration fails with `unimplemented`.
   *
   * The call begins with the iteration and may be iterated once; leaving the loop ends it. It
   * has no time limit but `timeoutMs` of the call, and is never tried again.
   */
  predictStream(
    requests:
      | AsyncIterable<MessageInitShape<typeof PredictRequestSchema>>
      | Iterable<MessageInitShape<typeof PredictRequestSchema>>,
    options?: CallOptions,
  ): AsyncIterable<PredictStreamResponse>;
}

/** Makes the calls of PredictionService that a transport carries. */
export function predictionCalls(transport: Transport, policy: Policy): PredictionCalls {
  const service = createClient(PredictionService, transport);
  const once = { ...policy, attempts: 1 };
  return {
    health: (request = {}, options = {}) =>
      callWithRetry(policy, options, (o) => service.health(request, o)),
    predict: (request, options = {}) =>
      callWithRetry(policy, options, (o) => service.predict(request, o)),
    batchPredict: (request, options = {}) =>
      callWithRetry(policy, options, (o) => service.batchPredict(request, o)),
    batchPredictStream: (request, options = {}) =>
      streamWithRetry(policy, options, (o) => service.batchPredictStream(request, o)),
    predictStream: (requests, options = {}) =>
      streamWithRetry(once, options, (o) => service.predictStream(messages(requests), o)),
  };
}

async function* messages(
  requests:
    | AsyncIterable<MessageInitShape<typeof PredictRequestSchema>>
    | Iterable<MessageInitShape<typeof PredictRequestSchema>>,
): AsyncGenerator<MessageInitShape<typeof PredictStreamRequestSchema>> {
  for await (const request of requests) {
    yield { request };
  }
}
