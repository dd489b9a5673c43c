import { execFileSync } from "node:child_process";
import { describe, expect, test } from "vitest";
import { curlCommand, shellQuote } from "../src/curl.js";

/** The words that a shell makes of a command, whose first word it replaces by printf. */
function shellWords(command: string): string[] {
  const script = command.replace(/^curl /m, String.raw`printf '%s\0' `);
  const out = execFileSync("/bin/sh", ["-c", script], { encoding: "utf8" });
  return out.split("\0").slice(0, -1);
}

describe("shellQuote", () => {
  test.each([
    "",
    "plain",
    "it's",
    "''",
    "'; echo broken '",
    '$HOME `id` $(id) \\ " ! * ~ # &',
    "two\nlines\n",
    "größe 花",
  ])("keeps %j as one word", (text) => {
    expect(shellWords(`curl ${shellQuote(text)}`)).toEqual([text]);
  });
});

describe("curlCommand", () => {
  const target = { model: "", version: "v1.0.0", subjectId: "" };

  test("takes a token from the environment", () => {
    const words = shellWords(`SEPAL_TOKEN='a b'\n${curlCommand("http://a", {}, target, true)}`);
    expect(words).toContain("Authorization: Bearer a b");
    const without = shellWords(curlCommand("http://a", {}, target));
    expect(without.join()).not.toContain("Authorization");
  });

  test("is a POST of the inputs in JSON", () => {
    const inputs = { sepal_length_cm: 5.1, colour: "blue", age: null };
    const words = shellWords(curlCommand("http://127.0.0.1:50051", inputs, target));
    expect(words.slice(0, -1)).toEqual([
      "http://127.0.0.1:50051/sepal.prediction.v1.PredictionService/Predict",
      "-H",
      "Content-Type: application/json",
      "-d",
    ]);
    expect(JSON.parse(words.at(-1) ?? "")).toEqual({ inputs, version: "v1.0.0" });
  });

  test("keeps names that a shell or JSON would read otherwise", () => {
    const inputs = Object.fromEntries(
      ["iris's length", '"quoted"', "back\\slash", "a\nb", "__proto__"].map((name) => [name, 1]),
    );
    const words = shellWords(curlCommand("http://localhost", inputs, target));
    const body = JSON.parse(words.at(-1) ?? "") as { inputs: object };
    expect(Object.keys(body.inputs)).toEqual(Object.keys(inputs));
  });

  test("names the model where the page does", () => {
    const asked = { model: "iris", version: "", subjectId: "" };
    const words = shellWords(curlCommand("http://localhost", {}, asked));
    expect(JSON.parse(words.at(-1) ?? "")).toEqual({ inputs: {}, model: "iris" });
  });

  test("names the subject in place of the version where there is one", () => {
    const asked = { model: "", version: "", subjectId: "user's" };
    const words = shellWords(curlCommand("http://localhost", {}, asked));
    expect(JSON.parse(words.at(-1) ?? "")).toEqual({ inputs: {}, subjectId: "user's" });
  });
});
