import { Code, ConnectError, type ServiceImpl } from "@connectrpc/connect";
import { expect, test } from "vitest";
import {
  type ClientOptions,
  DriftState,
  MonitoringService,
  type SepalClient,
} from "../../src/index.js";
import { clientOfRoutes } from "./router.js";

function clientOf(
  service: Partial<ServiceImpl<typeof MonitoringService>>,
  options: Partial<ClientOptions> = {},
) {
  return clientOfRoutes(
    (router) => {
      router.service(MonitoringService, service);
    },
    { retry: { baseDelayMs: 1 }, ...options },
  );
}

const calls: [string, (client: SepalClient) => Promise<unknown>][] = [
  ["getDriftReport", (c) => c.getDriftReport()],
  ["getActivity", (c) => c.getActivity()],
];

/** A client of a service whose first calls fail; and which calls it was asked. */
function failing(failures: number, code: Code, options: Partial<ClientOptions> = {}) {
  const asked: string[] = [];
  const methods = MonitoringService.methods.map(({ localName }) => [
    localName,
    () => {
      asked.push(localName);
      if (asked.length <= failures) {
        throw new ConnectError("no", code);
      }
      return {};
    },
  ]);
  return { client: clientOf(Object.fromEntries(methods), options), asked };
}

test("the client has every call of the service", () => {
  expect(calls.map(([name]) => name).sort()).toEqual(
    MonitoringService.methods.map((m) => m.localName).sort(),
  );
});

test.each(calls)("%s is tried again while the server is not available", async (name, call) => {
  const { client, asked } = failing(2, Code.Unavailable);
  await call(client);
  expect(asked).toEqual([name, name, name]);
});

test.each(calls)("%s fails at once for any other reason", async (name, call) => {
  const { client, asked } = failing(1, Code.NotFound);
  await expect(call(client)).rejects.toMatchObject({ code: Code.NotFound });
  expect(asked).toEqual([name]);
});

test.each(calls)("%s is tried once where nothing is to be tried again", async (name, call) => {
  const { client, asked } = failing(1, Code.Unavailable, { retry: false });
  await expect(call(client)).rejects.toMatchObject({ code: Code.Unavailable });
  expect(asked).toEqual([name]);
});

test.each([
  ["getDriftReport", (c: SepalClient, o: object) => c.getDriftReport({}, o)],
  ["getActivity", (c: SepalClient, o: object) => c.getActivity({}, o)],
] as const)("%s takes the headers and the signal of its call", async (_, call) => {
  let header: string | null = null;
  const answer = (_: unknown, context: { requestHeader: Headers }) => {
    header = context.requestHeader.get("x-team");
    return {};
  };
  const client = clientOf({ getDriftReport: answer, getActivity: answer });
  await call(client, { headers: { "x-team": "flowers" } });
  expect(header).toBe("flowers");
  const aborted = call(client, { signal: AbortSignal.abort() });
  await expect(aborted).rejects.toMatchObject({ code: Code.Canceled });
});

test("a report is of the model and version asked for, and has what is unset unset", async () => {
  const client = clientOf({
    getDriftReport: ({ model, version }) => ({
      report: {
        model,
        version,
        state: DriftState.DRIFTED,
        rows: 2n ** 40n,
        features: [{ feature: "width", state: DriftState.STABLE }],
        predictions: { estimatedAccuracy: 0 },
      },
    }),
  });
  const { report } = await client.getDriftReport({ model: "iris", version: "prod" });
  expect(report).toMatchObject({ model: "iris", version: "prod", state: DriftState.DRIFTED });
  expect(report?.rows).toBe(2n ** 40n);
  expect(report?.features[0]?.divergence).toBeUndefined();
  expect(report?.predictions?.estimatedAccuracy).toBe(0);
  expect(report?.predictions?.referenceAccuracy).toBeUndefined();
});

test("an activity has its points in order, with their latency where there is one", async () => {
  const client = clientOf({
    getActivity: ({ model }) => ({
      activity: {
        step: { seconds: 5n },
        points: [{ requests: 0n }, { requests: 3n, latency: { p99Seconds: 0.25 } }],
        versions: [{ model, version: "v1.0.0", classes: ["a", "b"], classCounts: [1n, 2n] }],
      },
    }),
  });
  const { activity } = await client.getActivity({ model: "iris" });
  expect(activity?.points.map((p) => p.latency?.p99Seconds)).toEqual([undefined, 0.25]);
  expect(activity?.versions[0]).toMatchObject({ model: "iris", classCounts: [1n, 2n] });
});
