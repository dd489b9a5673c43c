import {
  Code,
  ConnectError,
  create,
  ModelVersionSchema,
  RegisteredModelSchema,
} from "@sepal-ml/client";
import { expect, test, vi } from "vitest";
import { more, problemsOf, type RegistryClient, readSnapshot } from "../../src/models/snapshot.js";
import { rolloutOf } from "./messages.js";

test("what is not in force is told once, the rollout first", () => {
  const model = create(RegisteredModelSchema, { problems: ["a file", "a rollout"] });
  expect(problemsOf({ model, problem: "a rollout" })).toEqual(["a rollout", "a file"]);
  expect(problemsOf({ model, problem: "" })).toEqual(["a file", "a rollout"]);
});

test("lists grow as far as the server goes", () => {
  expect([20, 600, 1000].map(more)).toEqual([40, 1000, 1000]);
});

/** A client of a server that lists v1.1.0 alone. */
function clientWith(stable: string, getVersion: () => Promise<object>) {
  const client = {
    getModel: async () => ({ model: create(RegisteredModelSchema, { name: "iris" }) }),
    listModels: async () => ({ models: [] }),
    listVersions: async () => ({
      versions: [create(ModelVersionSchema, { version: "v1.1.0" })],
      nextPageToken: "more",
    }),
    listRolloutEvents: async () => ({ events: [], nextPageToken: "" }),
    getRollout: async () => ({ rollout: rolloutOf({ stable }), agreements: [], problem: "" }),
    getVersion: vi.fn(getVersion),
  };
  const read = () =>
    readSnapshot(
      client as unknown as RegistryClient,
      "iris",
      { versions: 1, events: 1 },
      new AbortController().signal,
    );
  return { client, read };
}

test("the stable version is known even where it is too old to be listed", async () => {
  const old = create(ModelVersionSchema, { version: "v0.1.0" });
  const beyond = clientWith("v0.1.0", async () => ({ version: old }));
  expect((await beyond.read()).stable).toBe(old);
  const listed = clientWith("v1.1.0", async () => ({ version: old }));
  expect((await listed.read()).stable?.version).toBe("v1.1.0");
  expect(listed.client.getVersion).not.toHaveBeenCalled();
});

test("a stable version that cannot be read is not known, and any other failure is one", async () => {
  const failing = (code: Code) => async () => {
    throw new ConnectError("no", code);
  };
  expect((await clientWith("v0.1.0", failing(Code.NotFound)).read()).stable).toBeUndefined();
  const none = clientWith("", failing(Code.Internal));
  expect((await none.read()).stable).toBeUndefined();
  expect(none.client.getVersion).not.toHaveBeenCalled();
  await expect(clientWith("v0.1.0", failing(Code.Unavailable)).read()).rejects.toThrow("no");
});
