import { VersionState } from "@sepal-ml/client";
import { expect, test } from "vitest";
import { choicesOf } from "../../src/live/choice.js";

test("loaded versions are to choose from, and what is chosen, listed or not", () => {
  const models = [{ name: "iris" }, { name: "loan" }];
  const versions = [
    { version: "v1.1.0", state: VersionState.LOADED },
    { version: "v1.0.0", state: VersionState.FAILED },
  ];
  const choices = (model: string, version: string) =>
    choicesOf(models, versions, { model, version });
  expect(choices("iris", "")).toEqual({ models: ["iris", "loan"], versions: ["v1.1.0"] });
  expect(choices("iris", "prod").versions).toEqual(["prod", "v1.1.0"]);
  expect(choices("gone", "v1.1.0")).toEqual({
    models: ["gone", "iris", "loan"],
    versions: ["v1.1.0"],
  });
});
