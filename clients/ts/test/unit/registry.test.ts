import { Code, ConnectError, type ServiceImpl } from "@connectrpc/connect";
import { afterEach, expect, test, vi } from "vitest";
import { create, RegistryService, type SepalClient, VariantSchema } from "../../src/index.js";
import { clientOfRoutes } from "./router.js";

const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

afterEach(() => {
  vi.unstubAllGlobals();
});

function clientOf(service: Partial<ServiceImpl<typeof RegistryService>>) {
  return clientOfRoutes(
    (router) => {
      router.service(RegistryService, service);
    },
    { retry: { baseDelayMs: 1 } },
  );
}

/** A client of a service whose every call fails twice; and what the calls were asked. */
function recording(failures: number) {
  const asked: { name: string; requestId: string | undefined }[] = [];
  let failed = 0;
  const methods = RegistryService.methods.map(({ localName }) => [
    localName,
    (request: { requestId?: string }) => {
      asked.push({ name: localName, requestId: request.requestId });
      if (failed++ < failures) {
        throw new ConnectError("draining", Code.Unavailable);
      }
      return {};
    },
  ]);
  return { client: clientOf(Object.fromEntries(methods)), asked };
}

const reads: [string, (client: SepalClient) => Promise<unknown>][] = [
  ["listModels", (c) => c.listModels()],
  ["getModel", (c) => c.getModel()],
  ["listVersions", (c) => c.listVersions()],
  ["getVersion", (c) => c.getVersion()],
  ["verifyVersion", (c) => c.verifyVersion()],
  ["getRollout", (c) => c.getRollout()],
  ["listRolloutEvents", (c) => c.listRolloutEvents()],
];

const changes: [string, (client: SepalClient, id: { requestId?: string }) => Promise<unknown>][] = [
  ["publishVersion", (c, id) => c.publishVersion({ file: Uint8Array.of(1), ...id })],
  ["setRollout", (c, id) => c.setRollout({ rollout: { stable: "v1" }, ...id })],
  ["rollback", (c, id) => c.rollback(id)],
];

test("the client has every call of the service", () => {
  const names = [...reads, ...changes].map(([name]) => name);
  expect([...names, "reload"].sort()).toEqual(
    RegistryService.methods.map((m) => m.localName).sort(),
  );
});

test.each(reads)("%s is tried again", async (name, call) => {
  const { client, asked } = recording(2);
  await call(client);
  expect(asked.map((a) => a.name)).toEqual([name, name, name]);
});

test.each(changes)(
  "%s is tried again under one id, and each call has its own",
  async (name, call) => {
    const { client, asked } = recording(2);
    await call(client, {});
    await call(client, {});
    expect(asked.map((a) => a.name)).toEqual([name, name, name, name]);
    const [first, second, third, next] = asked.map((a) => a.requestId);
    expect(first).toMatch(uuid);
    expect([second, third]).toEqual([first, first]);
    expect(next).toMatch(uuid);
    expect(next).not.toBe(first);
  },
);

test.each(changes)("%s keeps the id that it is given", async (_, call) => {
  const { client, asked } = recording(1);
  await call(client, { requestId: "deploy-17" });
  expect(asked.map((a) => a.requestId)).toEqual(["deploy-17", "deploy-17"]);
});

test("an id is a UUID where browsers offer no randomUUID too", async () => {
  vi.stubGlobal("crypto", {
    getRandomValues: (bytes: Uint8Array) => bytes.map((_, i) => (i * 37 + 200) % 256),
  });
  const { client, asked } = recording(0);
  await client.rollback({});
  expect(asked[0]?.requestId).toMatch(uuid);
});

test("reload carries no id, and is tried once", async () => {
  const { client, asked } = recording(1);
  await expect(client.reload()).rejects.toMatchObject({ code: Code.Unavailable });
  expect(asked).toHaveLength(1);
});

test("a rollout that was read is sent back with its etag and changes", async () => {
  let sent: unknown;
  const client = clientOf({
    getRollout: () => ({ rollout: { model: "iris", stable: "v1.0.0", etag: "e1" } }),
    setRollout: (request) => {
      sent = request.rollout;
      return { rollout: request.rollout ?? {}, event: { revision: 1, actor: request.actor } };
    },
  });
  const { rollout } = await client.getRollout({ model: "iris" });
  if (!rollout) throw new Error("no rollout");
  rollout.variants.push(create(VariantSchema, { version: "v1.1.0", weight: 500 }));
  const { event } = await client.setRollout({ rollout, actor: "ada" });
  expect(sent).toMatchObject({ model: "iris", stable: "v1.0.0", etag: "e1" });
  expect(sent).toMatchObject({ variants: [{ version: "v1.1.0", weight: 500 }] });
  expect(event).toMatchObject({ revision: 1, actor: "ada" });
});
