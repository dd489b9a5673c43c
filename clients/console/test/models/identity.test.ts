import { expect, test } from "vitest";
import { IdOf } from "../../src/models/identity.js";

test("the same request has the same id, and any other another", () => {
  const ids = new IdOf();
  const first = ids.of({ etag: "a", reason: "" });
  expect(first).toMatch(/^[0-9a-f-]{36}$/);
  expect(ids.of({ etag: "a", reason: "" })).toBe(first);
  const second = ids.of({ etag: "a", reason: "typo" });
  expect(second).not.toBe(first);
  expect(ids.of({ etag: "a", reason: "" })).not.toBe(first);
  expect(new IdOf().of({ etag: "a", reason: "" })).not.toBe(first);
});
