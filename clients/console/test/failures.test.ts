import { describe, expect, test } from "vitest";
import { explain, sortFailure } from "../src/failures.js";

function invalid(...fields: string[]) {
  const violations = fields.map((field) => ({ field, description: `${field} is wrong` }));
  return { code: "invalid_argument", message: "2 values refused", violations };
}

describe("sortFailure", () => {
  test("gives each field its own problem and says nothing twice", () => {
    const { fields, text } = sortFailure(invalid("inputs.a", "inputs.b"), ["a", "b", "c"]);
    expect([...fields]).toEqual([
      ["a", "inputs.a is wrong"],
      ["b", "inputs.b is wrong"],
    ]);
    expect(text).toBe("");
  });

  test("takes the whole rest of a path for the name", () => {
    const { fields } = sortFailure(invalid("inputs.a.b[0]"), ["a", "a.b", "a.b[0]"]);
    expect([...fields.keys()]).toEqual(["a.b[0]"]);
  });

  test("tells what no field of the form is to blame for", () => {
    const { fields, text } = sortFailure(invalid("inputs.a", "top_k"), ["a"]);
    expect([...fields.keys()]).toEqual(["a"]);
    expect(text).toBe("top_k: top_k is wrong");
  });

  test("tells the message where there is nothing to point at", () => {
    expect(sortFailure(invalid(), ["a"]).text).toBe("2 values refused");
    expect(sortFailure(invalid("inputs"), ["a"]).text).toBe("2 values refused");
  });
});

describe("explain", () => {
  const error = (code: string) => ({ code, message: "text", violations: [] });

  test("says that the server is not there", () => {
    expect(explain(error("unavailable"))).toBe("The server is not available: text");
    expect(explain(error("deadline_exceeded"))).toBe("The server took too long to answer.");
  });

  test("says what a token lacks, and what works without it", () => {
    const lacking = (missingScope: string) =>
      explain({ ...error("permission_denied"), missingScope, requestId: "r1" });
    expect(lacking("predict")).toBe(
      "Your token lacks the scope “predict”. Without it, Models and Live work, and predictions do not. (request r1)",
    );
    expect(lacking("read")).toContain("no view of this page works");
    expect(lacking("admin")).toContain("change nothing");
    expect(explain(error("permission_denied"))).toBe("text");
  });

  test("names the request under which the log has the rest", () => {
    expect(explain({ ...error("internal"), requestId: "r1" })).toBe("text (request r1)");
  });
});
