import { fromJson, toJson } from "@bufbuild/protobuf";
import { expect } from "vitest";
import { describeError, type SepalClient } from "../../src/index.js";
import { type Case, methods } from "./cases.js";
import { differences } from "./differences.js";

/** Makes the call of a case, and expects what must come of it. */
export async function expectCase(client: SepalClient, c: Case): Promise<void> {
  if (c.error === undefined) {
    await expectResponse(client, c);
  } else {
    await expectError(client, c, c.error);
  }
}

async function expectResponse(client: SepalClient, c: Case) {
  const { desc } = methodOf(c);
  const actual = toJson(desc.output, await call(client, c));
  const expected = toJson(desc.output, fromJson(desc.output, c.response ?? null));
  expect(differences(actual, expected)).toEqual([]);
}

async function expectError(client: SepalClient, c: Case, expected: NonNullable<Case["error"]>) {
  const outcome = await call(client, c).then(
    (response) => ({ response }),
    (error: unknown) => ({ error }),
  );
  if (!("error" in outcome)) {
    const response = toJson(methodOf(c).desc.output, outcome.response);
    throw new Error(`expected ${expected.code}, found a response: ${JSON.stringify(response)}`);
  }
  const { code, message, violations, requestId } = describeError(outcome.error);
  expect({
    code,
    message,
    violations: violations.map(({ field, description }) => ({ field, description })),
  }).toEqual({ violations: [], ...expected });
  expect(requestId, "request id of the error").toBeTruthy();
}

function call(client: SepalClient, c: Case) {
  const { desc, name } = methodOf(c);
  // The cases' messages fit the method by construction, which no type can say.
  const method = client[name] as (request: unknown) => ReturnType<SepalClient["predict"]>;
  return method(fromJson(desc.input, c.request));
}

function methodOf(c: Case) {
  const method = methods[c.rpc];
  if (!method) {
    throw new Error(`the client has no call "${c.rpc}"`);
  }
  return method;
}
