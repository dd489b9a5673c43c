import type { Value } from "./fields.js";

/** The path of the call that the page makes, and that the command repeats. */
const PREDICT_PATH = "/sepal.prediction.v1.PredictionService/Predict";

/** Which model and version a page is about; empty: what the server serves by default. */
export interface Target {
  model: string;
  version: string;
}

/**
 * Writes the command that asks for the same prediction in JSON, for a POSIX shell; a token it takes
 * from the environment.
 */
export function curlCommand(
  baseUrl: string,
  inputs: Readonly<Record<string, Value>>,
  asked: Target & { subjectId: string },
  withToken = false,
): string {
  const body = {
    inputs,
    ...(asked.model !== "" && { model: asked.model }),
    ...(asked.version !== "" && { version: asked.version }),
    ...(asked.subjectId !== "" && { subjectId: asked.subjectId }),
  };
  return [
    `curl ${shellQuote(baseUrl + PREDICT_PATH)} \\`,
    `  -H ${shellQuote("Content-Type: application/json")} \\`,
    ...(withToken ? ['  -H "Authorization: Bearer $SEPAL_TOKEN" \\'] : []),
    `  -d ${shellQuote(JSON.stringify(body, null, 2))}`,
  ].join("\n");
}

/** Quotes a text as one word of a POSIX shell. */
export function shellQuote(text: string): string {
  return `'${text.replaceAll("'", String.raw`'\''`)}'`;
}
