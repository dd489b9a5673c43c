import type { MessageInitShape } from "@bufbuild/protobuf";
import { createClient, type Transport } from "@connectrpc/connect";
import {
  type GetActivityRequestSchema,
  type GetActivityResponse,
  type GetDriftReportRequestSchema,
  type GetDriftReportResponse,
  MonitoringService,
} from "#gen/sepal/monitoring/v1/monitoring_service_pb.js";
import { callWithRetry } from "./call.js";
import type { CallOptions } from "./options.js";
import type { Policy } from "./policy.js";

/**
 * The calls that say what a server has been answering lately. It was counted by that server
 * alone, since it started. None changes anything on the server.
 */
export interface MonitoringCalls {
  /**
   * Compares the rows that a version has answered lately with those that it was trained on. An
   * empty `model` is the default model, an empty `version` the stable one; `version` may be a
   * label. Fails with `not_found` when there is no such model or version, and with
   * `failed_precondition` when the version could not be loaded.
   */
  getDriftReport(
    request?: MessageInitShape<typeof GetDriftReportRequestSchema>,
    options?: CallOptions,
  ): Promise<GetDriftReportResponse>;

  /**
   * Says how many predictions the server makes, how fast, and how sure they are: over the last
   * minutes, in steps, and by version and variant. An empty `model` lists the versions of all
   * models; one that there is not fails with `not_found`.
   */
  getActivity(
    request?: MessageInitShape<typeof GetActivityRequestSchema>,
    options?: CallOptions,
  ): Promise<GetActivityResponse>;
}

/** Makes the calls of MonitoringService that a transport carries. */
export function monitoringCalls(transport: Transport, policy: Policy): MonitoringCalls {
  const service = createClient(MonitoringService, transport);
  return {
    getDriftReport: (request = {}, options = {}) =>
      callWithRetry(policy, options, (o) => service.getDriftReport(request, o)),
    getActivity: (request = {}, options = {}) =>
      callWithRetry(policy, options, (o) => service.getActivity(request, o)),
  };
}
