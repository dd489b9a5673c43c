import { describe, expect, test } from "vitest";
import {
  type CategoryField,
  fieldsOf,
  initialText,
  type NumberField,
  outside,
  parse,
  parseTyped,
} from "../src/fields.js";

const petal: NumberField = {
  kind: "number",
  name: "petal_length_cm",
  label: "Petal length",
  unit: "cm",
  description: "",
  range: { min: 1, max: 6.9, step: 0.1 },
};

const colour: CategoryField = {
  kind: "category",
  name: "colour",
  label: "Colour",
  unit: "",
  description: "",
  categories: ["blue", "white"],
};

/** A category of which stands for every text that is none. */
const city: CategoryField = { ...colour, categories: ["oslo", "faro", "rest"], other: "rest" };

function signature(...features: object[]) {
  return { features } as unknown as Parameters<typeof fieldsOf>[0];
}

describe("fieldsOf", () => {
  test("reads numbers and categories in the signature's order", () => {
    const fields = fieldsOf(
      signature(
        {
          name: "petal_length_cm",
          unit: "cm",
          description: "The longest petal.",
          kind: { case: "numeric", value: { min: 1, max: 6.9, impute: 3.8 } },
        },
        {
          name: "colour",
          unit: "",
          description: "",
          kind: { case: "categorical", value: { categories: ["blue", "white"] } },
        },
      ),
    );
    expect(fields).toEqual([{ ...petal, description: "The longest petal.", impute: 3.8 }, colour]);
  });

  test("knows which category stands for other texts", () => {
    const value = { categories: city.categories, other: "rest", impute: "oslo" };
    const kind = { case: "categorical", value };
    const fields = fieldsOf(signature({ name: "colour", unit: "", description: "", kind }));
    expect(fields).toEqual([{ ...city, impute: "oslo" }]);
    expect(fieldsOf(signature({ name: "x", kind }))[0]).toHaveProperty("other", "rest");
  });

  test.each([
    ["only one end", { min: 1 }],
    ["a single value", { min: 2, max: 2 }],
    ["more than a double can span", { min: -1e308, max: 1e308 }],
  ])("has no slider for %s", (_, value) => {
    const [field] = fieldsOf(
      signature({ name: "x", unit: "", description: "", kind: { case: "numeric", value } }),
    );
    expect(field).not.toHaveProperty("range");
  });

  test.each([
    [4.3, 7.9, 0.1],
    [0, 1, 0.01],
    [0, 100, 1],
    [0, 3e6, 1e5],
  ])("steps from %d to %d by %d", (min, max, step) => {
    const [field] = fieldsOf(
      signature({
        name: "x",
        unit: "",
        description: "",
        kind: { case: "numeric", value: { min, max } },
      }),
    );
    expect((field as NumberField).range?.step).toBeCloseTo(step, 12);
  });

  test("of no signature are none", () => {
    expect(fieldsOf(undefined)).toEqual([]);
  });
});

describe("initialText", () => {
  const { range: _, ...unbounded } = petal;
  test.each([
    ["the middle of the range, in steps", petal, "4"],
    ["a middle between steps", { ...petal, range: { min: 4.3, max: 7.9, step: 0.1 } }, "6.1"],
    ["a middle of large steps", { ...petal, range: { min: 0, max: 3e6, step: 1e5 } }, "1500000"],
    ["a tiny range", { ...petal, range: { min: 0, max: 4e-9, step: 1e-10 } }, "2e-9"],
    [
      "a range at the ends of doubles",
      { ...petal, range: { min: 1e308, max: 1.5e308, step: 1e306 } },
      "1.25e+308",
    ],
    ["the stand-in without a range", { ...unbounded, impute: 3.8 }, "3.8"],
    ["zero without either", unbounded, "0"],
    ["the first category", colour, "blue"],
    ["the category that stands in", { ...colour, impute: "white" }, "white"],
  ])("is %s", (_, field, text) => {
    expect(initialText(field)).toBe(text);
  });
});

describe("parse", () => {
  test.each([
    ["5.1", 5.1],
    [" 5.1 ", 5.1],
    ["-0.5", -0.5],
    ["1e-3", 0.001],
    ["0", 0],
    ["99", 99],
  ])("reads %j as %d", (text, value) => {
    expect(parse(petal, text)).toEqual({ ok: true, value });
  });

  test.each(["five", "1e999", "-1e999", "NaN", "Infinity", "5,1", "5.1 cm"])(
    "refuses %j and says what to enter",
    (text) => {
      expect(parse(petal, text)).toEqual({
        ok: false,
        problem: "Enter a finite number in cm, such as 4.",
      });
    },
  );

  test("refuses what the browser could not read, though it reports no text", () => {
    expect(parse({ ...petal, impute: 3.8 }, "", true)).toMatchObject({ ok: false });
  });

  test("takes an empty input for a missing value only where one may be missing", () => {
    expect(parse({ ...petal, impute: 3.8 }, "")).toEqual({ ok: true, value: null });
    expect(parse({ ...colour, impute: "blue" }, "")).toEqual({ ok: true, value: null });
    expect(parse(petal, " ")).toMatchObject({ ok: false });
    expect(parse(colour, "")).toMatchObject({ ok: false });
  });

  test("takes a category by its exact name", () => {
    expect(parse(colour, "white")).toEqual({ ok: true, value: "white" });
    expect(parse(colour, "White")).toMatchObject({ ok: false });
  });
});

describe("parseTyped", () => {
  test.each(["bergen", "oslo", "Oslo", " oslo ", " ", "NA", "5", "東京", "<b>&amp;"])(
    "takes %j as it is",
    (text) => {
      expect(parseTyped(text)).toEqual({ ok: true, value: text });
    },
  );

  test("takes no text for a mistake, never for a missing value", () => {
    const problem = "Type a text, or choose one of the categories.";
    expect(parseTyped("")).toEqual({ ok: false, problem });
  });
});

describe("outside", () => {
  test("says nothing of the range's ends, missing values and unknown ranges", () => {
    const { range: _, ...unbounded } = petal;
    expect(outside(petal, 1)).toBe("");
    expect(outside(petal, 6.9)).toBe("");
    expect(outside(petal, null)).toBe("");
    expect(outside(unbounded, 1e9)).toBe("");
    expect(outside(colour, "white")).toBe("");
  });

  test("says what a text counts as that is none of the categories", () => {
    const text = "None of the categories: it counts as “rest”.";
    expect(outside(city, "bergen")).toBe(text);
    expect(outside(city, "Oslo")).toBe(text);
    expect(outside(city, "oslo ")).toBe(text);
    expect(outside(city, "oslo")).toBe("");
    expect(outside(city, "rest")).toBe("");
    expect(outside(city, null)).toBe("");
  });

  test("names the range to values beyond it", () => {
    const text = "Outside the training range, 1 to 6.9 cm: the model extrapolates.";
    expect(outside(petal, 0.9)).toBe(text);
    expect(outside(petal, 7)).toBe(text);
  });
});
