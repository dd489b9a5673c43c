import { create, RegisteredModelSchema } from "@sepal-ml/client";
import { expect, test } from "vitest";
import { more, problemsOf } from "../../src/models/snapshot.js";

test("what is not in force is told once, the rollout first", () => {
  const model = create(RegisteredModelSchema, { problems: ["a file", "a rollout"] });
  expect(problemsOf({ model, problem: "a rollout" })).toEqual(["a rollout", "a file"]);
  expect(problemsOf({ model, problem: "" })).toEqual(["a file", "a rollout"]);
});

test("lists grow as far as the server goes", () => {
  expect([20, 600, 1000].map(more)).toEqual([40, 1000, 1000]);
});
