import { describe, expect, test } from "vitest";
import {
  either,
  grouped,
  logits,
  percent,
  quantity,
  readable,
  signed,
  timesAsLikely,
} from "../src/format.js";

describe("percent", () => {
  test.each([
    [0, "0\u00a0%"],
    [1e-12, "<0.1\u00a0%"],
    [0.00049, "<0.1\u00a0%"],
    [0.0005, "0.1\u00a0%"],
    [0.3333, "33.3\u00a0%"],
    [0.9994, "99.9\u00a0%"],
    [0.9995, ">99.9\u00a0%"],
    [1 - 1e-12, ">99.9\u00a0%"],
    [1, "100\u00a0%"],
  ])("writes %d as %s", (probability, text) => {
    expect(percent(probability)).toBe(text);
  });
});

describe("logits", () => {
  test.each([
    [1.25, "+1.25", "1.25"],
    [-0.3, "−0.30", "−0.30"],
    [0, "0.00", "0.00"],
    [-0.001, "0.00", "0.00"],
    [12345.6, "+1.23e+4", "1.23e+4"],
  ])("of %d are %s with a sign and %s without", (value, withSign, without) => {
    expect(signed(value)).toBe(withSign);
    expect(logits(value)).toBe(without);
  });
});

describe("quantity", () => {
  test.each([
    [5.1, "cm", "5.1 cm"],
    [-2, "", "−2"],
    [1e-7, "m", "1e-7 m"],
  ])("writes %d in %j as %s", (value, unit, text) => {
    expect(quantity(value, unit)).toBe(text);
  });
});

test("either joins names as a sentence does", () => {
  expect(either([])).toBe("");
  expect(either(["a"])).toBe("a");
  expect(either(["a", "b"])).toBe("a or b");
  expect(either(["a", "b", "c"])).toBe("a, b or c");
});

test("grouped separates thousands", () => {
  expect([150, 1000, 1234567.8].map(grouped)).toEqual(["150", "1,000", "1,234,568"]);
});

describe("timesAsLikely", () => {
  test.each([
    [0, "about as likely as"],
    [Math.log(2), "2.0 times as likely as"],
    [Math.log(45), "45 times as likely as"],
    [Math.log(5431), "5,431 times as likely as"],
    [800, "more than a million times as likely as"],
  ])("says of %d logits %s", (margin, text) => {
    expect(timesAsLikely(margin)).toBe(text);
  });
});

describe("readable", () => {
  test("drops the unit and underscores", () => {
    const features = [
      { name: "sepal_length_cm", unit: "cm" },
      { name: "petal width (mm)", unit: "mm" },
      { name: "colour", unit: "" },
    ];
    expect(readable(features)).toEqual(["Sepal length", "Petal width", "Colour"]);
  });

  test("keeps names apart that would read alike", () => {
    const features = [
      { name: "length_cm", unit: "cm" },
      { name: "length_mm", unit: "mm" },
      { name: "width", unit: "" },
    ];
    expect(readable(features)).toEqual(["length_cm", "length_mm", "Width"]);
  });

  test("never leaves a label empty", () => {
    expect(readable([{ name: "_", unit: "" }])).toEqual(["_"]);
    expect(readable([{ name: "_cm", unit: "cm" }])).toEqual(["_cm"]);
  });
});
