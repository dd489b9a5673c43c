import type { JsonValue } from "@bufbuild/protobuf";

const tolerance = 1e-9;

/**
 * Lists where two JSON values differ, one line per place. Numbers may differ by 1e-9,
 * absolutely or relative to the larger; an expected digest of "*" stands for any text. When a
 * file was written differs from checkout to checkout and is not compared.
 */
export function differences(
  actual: JsonValue | undefined,
  expected: JsonValue | undefined,
  path = "response",
): string[] {
  if (typeof actual === "number" && typeof expected === "number") {
    const scale = Math.max(1, Math.abs(actual), Math.abs(expected));
    return Math.abs(actual - expected) <= tolerance * scale ? [] : [line(path, actual, expected)];
  }
  if (Array.isArray(actual) && Array.isArray(expected)) {
    const length = Math.max(actual.length, expected.length);
    return Array.from({ length }, (_, i) =>
      differences(actual[i], expected[i], `${path}[${i}]`),
    ).flat();
  }
  if (isObject(actual) && isObject(expected)) {
    const keys = new Set([...Object.keys(expected), ...Object.keys(actual)]);
    return [...keys].flatMap((key) =>
      isAnything(key, actual[key], expected[key])
        ? []
        : differences(actual[key], expected[key], `${path}.${key}`),
    );
  }
  return actual === expected ? [] : [line(path, actual, expected)];
}

function isAnything(key: string, actual: JsonValue | undefined, expected: JsonValue | undefined) {
  const isFree = key === "modifiedTime" || (key === "digest" && expected === "*");
  return isFree && typeof actual === "string";
}

function isObject(value: JsonValue | undefined): value is { [key: string]: JsonValue } {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function line(path: string, actual: JsonValue | undefined, expected: JsonValue | undefined) {
  return `${path}: expected ${text(expected)}, found ${text(actual)}`;
}

function text(value: JsonValue | undefined): string {
  return value === undefined ? "nothing" : JSON.stringify(value);
}
