import type { MessageInitShape } from "@bufbuild/protobuf";
import { createClient, type Transport } from "@connectrpc/connect";
import {
  type BatchPredictRequestSchema,
  type BatchPredictResponse,
  type HealthRequestSchema,
  type HealthResponse,
  PredictionService,
  type PredictRequestSchema,
  type PredictResponse,
} from "#gen/sepal/prediction/v1/prediction_service_pb.js";
import {
  type GetVersionRequestSchema,
  type GetVersionResponse,
  RegistryService,
} from "#gen/sepal/registry/v1/registry_service_pb.js";
import { callWithRetry } from "./call.js";
import type { CallOptions, ClientOptions, CommonOptions } from "./options.js";
import { policyOf } from "./policy.js";
import { createWebTransport } from "./transport.js";

/**
 * The calls of a Sepal server. Requests may be plain objects, and fields left out have their
 * defaults. A call that fails rejects with a `ConnectError`: `describeError` says its code,
 * its message and the values refused. Methods may be taken off the object and called at once
 * any number of times.
 */
export interface SepalClient {
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
   * fails only for what is wrong with the request as a whole.
   */
  batchPredict(
    request: MessageInitShape<typeof BatchPredictRequestSchema>,
    options?: CallOptions,
  ): Promise<BatchPredictResponse>;

  /**
   * Describes a version of a model, the default one unless named: its features, its classes
   * and how it was trained. Fails with `not_found` when there is no such model or version.
   */
  getVersion(
    request?: MessageInitShape<typeof GetVersionRequestSchema>,
    options?: CallOptions,
  ): Promise<GetVersionResponse>;
}

/**
 * Makes a client. It connects when it is first used, and need not be closed.
 *
 * @throws TypeError when `baseUrl` or `protocol` is none.
 * @throws RangeError when a number is out of its bounds.
 */
export function createSepalClient(options: ClientOptions): SepalClient {
  return createClientOver(options.transport ?? createWebTransport(options), options);
}

/** Makes a client whose calls a transport carries. */
export function createClientOver(transport: Transport, common: CommonOptions): SepalClient {
  const policy = policyOf(common);
  const prediction = createClient(PredictionService, transport);
  const registry = createClient(RegistryService, transport);
  return {
    health: (request = {}, options = {}) =>
      callWithRetry(policy, options, (o) => prediction.health(request, o)),
    predict: (request, options = {}) =>
      callWithRetry(policy, options, (o) => prediction.predict(request, o)),
    batchPredict: (request, options = {}) =>
      callWithRetry(policy, options, (o) => prediction.batchPredict(request, o)),
    getVersion: (request = {}, options = {}) =>
      callWithRetry(policy, options, (o) => registry.getVersion(request, o)),
  };
}
