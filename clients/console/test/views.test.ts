import { expect, test } from "vitest";
import { viewOf } from "../src/views.js";

test("the address says which view is shown; any other part of the page is in the first", () => {
  const views: [{ route: string }, ...{ route: string }[]] = [
    { route: "predict" },
    { route: "models" },
    { route: "live" },
  ];
  expect(
    ["", "#", "#predict", "#models", "#live", "#prediction", "#Models"].map(
      (h) => viewOf(h, views).route,
    ),
  ).toEqual(["predict", "predict", "predict", "models", "live", "predict", "predict"]);
});
