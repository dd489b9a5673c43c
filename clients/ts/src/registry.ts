import type { MessageInitShape } from "@bufbuild/protobuf";
import { createClient, type Transport } from "@connectrpc/connect";
import {
  type GetModelRequestSchema,
  type GetModelResponse,
  type GetRolloutRequestSchema,
  type GetRolloutResponse,
  type GetVersionRequestSchema,
  type GetVersionResponse,
  type ListModelsRequestSchema,
  type ListModelsResponse,
  type ListRolloutEventsRequestSchema,
  type ListRolloutEventsResponse,
  type ListVersionsRequestSchema,
  type ListVersionsResponse,
  type PublishVersionRequestSchema,
  type PublishVersionResponse,
  RegistryService,
  type ReloadRequestSchema,
  type ReloadResponse,
  type RollbackRequestSchema,
  type RollbackResponse,
  type SetRolloutRequestSchema,
  type SetRolloutResponse,
  type VerifyVersionRequestSchema,
  type VerifyVersionResponse,
} from "#gen/sepal/registry/v1/registry_service_pb.js";
import { callWithRetry } from "./call.js";
import type { CallOptions } from "./options.js";
import type { Policy } from "./policy.js";
import { withRequestId } from "./request_id.js";

/**
 * The calls that say which models and versions a server has, and that change which of them
 * answer. An empty `model` is the server's default model; one that there is not fails with
 * `not_found`.
 *
 * Calls that change something fail with `permission_denied` where the server does not take them
 * from this caller, and with `failed_precondition` where its registry cannot be written to. One
 * that is sent without a `requestId` gets a random one, and so may be tried again: it is made
 * once.
 */
export interface RegistryCalls {
  /** Lists the models by name, page by page. */
  listModels(
    request?: MessageInitShape<typeof ListModelsRequestSchema>,
    options?: CallOptions,
  ): Promise<ListModelsResponse>;

  /** Describes one model. */
  getModel(
    request?: MessageInitShape<typeof GetModelRequestSchema>,
    options?: CallOptions,
  ): Promise<GetModelResponse>;

  /** Lists the versions of a model, the newest first, page by page; failed ones included. */
  listVersions(
    request?: MessageInitShape<typeof ListVersionsRequestSchema>,
    options?: CallOptions,
  ): Promise<ListVersionsResponse>;

  /**
   * Describes a version of a model, the stable one unless named: its features, its classes
   * and how it was trained. Fails with `not_found` when there is no such model or version.
   */
  getVersion(
    request?: MessageInitShape<typeof GetVersionRequestSchema>,
    options?: CallOptions,
  ): Promise<GetVersionResponse>;

  /**
   * Adds a version, ready to be named in a rollout; no traffic changes, unless it is the first
   * of its model. Fails with `invalid_argument` when the file is no model file or does not
   * reproduce its golden rows, with `already_exists` when there is such a version, and with
   * `failed_precondition` when it breaks the stable version's signature and `force` is not set.
   */
  publishVersion(
    request: MessageInitShape<typeof PublishVersionRequestSchema>,
    options?: CallOptions,
  ): Promise<PublishVersionResponse>;

  /** Reads a version's file again and checks it. A check that fails is told in the response. */
  verifyVersion(
    request?: MessageInitShape<typeof VerifyVersionRequestSchema>,
    options?: CallOptions,
  ): Promise<VerifyVersionResponse>;

  /** Says which versions of a model answer which requests, and how its shadows agree. */
  getRollout(
    request?: MessageInitShape<typeof GetRolloutRequestSchema>,
    options?: CallOptions,
  ): Promise<GetRolloutResponse>;

  /**
   * Replaces the rollout of a model: read it with {@link getRollout}, change it, and send it
   * back with its etag. Fails with `invalid_argument` when the rollout cannot be, and with
   * `failed_precondition` when it changed meanwhile or names a version that is not loaded.
   */
  setRollout(
    request: MessageInitShape<typeof SetRolloutRequestSchema>,
    options?: CallOptions,
  ): Promise<SetRolloutResponse>;

  /**
   * Brings an earlier rollout back: that of `toRevision`, or the one before the present one.
   * Fails with `not_found` when there is no such event, and with `failed_precondition` when
   * there is nothing to go back to or a version of that rollout is not loaded.
   */
  rollback(
    request?: MessageInitShape<typeof RollbackRequestSchema>,
    options?: CallOptions,
  ): Promise<RollbackResponse>;

  /** Lists who changed what of a model, when and why, the latest first, page by page. */
  listRolloutEvents(
    request?: MessageInitShape<typeof ListRolloutEventsRequestSchema>,
    options?: CallOptions,
  ): Promise<ListRolloutEventsResponse>;

  /**
   * Makes the server look at its registry now. Fails with `unavailable` when the registry
   * cannot be read; what served goes on serving. Never tried again: it carries no `requestId`.
   */
  reload(
    request?: MessageInitShape<typeof ReloadRequestSchema>,
    options?: CallOptions,
  ): Promise<ReloadResponse>;
}

/** Makes the calls of RegistryService that a transport carries. */
export function registryCalls(transport: Transport, policy: Policy): RegistryCalls {
  const service = createClient(RegistryService, transport);
  const once = { ...policy, attempts: 1 };
  return {
    listModels: (request = {}, options = {}) =>
      callWithRetry(policy, options, (o) => service.listModels(request, o)),
    getModel: (request = {}, options = {}) =>
      callWithRetry(policy, options, (o) => service.getModel(request, o)),
    listVersions: (request = {}, options = {}) =>
      callWithRetry(policy, options, (o) => service.listVersions(request, o)),
    getVersion: (request = {}, options = {}) =>
      callWithRetry(policy, options, (o) => service.getVersion(request, o)),
    publishVersion: (request, options = {}) => {
      const identified = withRequestId(request);
      return callWithRetry(policy, options, (o) => service.publishVersion(identified, o));
    },
    verifyVersion: (request = {}, options = {}) =>
      callWithRetry(policy, options, (o) => service.verifyVersion(request, o)),
    getRollout: (request = {}, options = {}) =>
      callWithRetry(policy, options, (o) => service.getRollout(request, o)),
    setRollout: (request, options = {}) => {
      const identified = withRequestId(request);
      return callWithRetry(policy, options, (o) => service.setRollout(identified, o));
    },
    rollback: (request = {}, options = {}) => {
      const identified = withRequestId(request);
      return callWithRetry(policy, options, (o) => service.rollback(identified, o));
    },
    listRolloutEvents: (request = {}, options = {}) =>
      callWithRetry(policy, options, (o) => service.listRolloutEvents(request, o)),
    reload: (request = {}, options = {}) =>
      callWithRetry(once, options, (o) => service.reload(request, o)),
  };
}
