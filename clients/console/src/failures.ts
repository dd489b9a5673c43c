/** The parts of an error that the page tells; what describeError of the client returns. */
export interface CallError {
  code: string;
  message: string;
  violations: readonly { field: string; description: string }[];
  requestId?: string;
  missingScope?: string;
}

/** What to tell about a failed call: at the fields that it names, and as a whole. */
export interface Failure {
  /** What was wrong with a field, by the field's name. */
  fields: Map<string, string>;
  /** What to say about the rest; empty when the fields say it all. */
  text: string;
}

/** Sorts an error's parts to where the page shows them. */
export function sortFailure(error: CallError, names: readonly string[]): Failure {
  const fields = new Map<string, string>();
  const elsewhere: string[] = [];
  for (const { field, description } of error.violations) {
    // The whole rest of the path is the name: names may hold dots and brackets themselves.
    const name = names.find((n) => field === `inputs.${n}`);
    if (name !== undefined) fields.set(name, description);
    else elsewhere.push(`${field}: ${description}`);
  }
  return { fields, text: fields.size > 0 ? elsewhere.join(" · ") : explain(error) };
}

/** Says what happened in words for people, with what helps to find it in the log. */
export function explain({ code, message, requestId, missingScope }: CallError): string {
  const trace = requestId ? ` (request ${requestId})` : "";
  switch (code) {
    case "unavailable":
      return `The server is not available: ${message}${trace}`;
    case "permission_denied":
      if (missingScope === undefined) return `${message}${trace}`;
      return `Your token lacks the scope “${missingScope}”. ${without(missingScope)}${trace}`;
    case "deadline_exceeded":
      return `The server took too long to answer${trace}.`;
    default:
      return `${message}${trace}`;
  }
}

/** Says what of the page works without a scope. */
function without(scope: string): string {
  switch (scope) {
    case "predict":
      return "Without it, Models and Live work, and predictions do not.";
    case "read":
      return "Without it, no view of this page works: each has to look at a model first.";
    default:
      return "Without it, you can look at all views, and change nothing.";
  }
}
