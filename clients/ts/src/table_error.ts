/** A table could not be classified to its end: a call failed, or its rows could not be read. */
export class TableError extends Error {
  override readonly name = "TableError";

  /** How many rows, from the first on, had their results before. */
  readonly rows: number;

  /** What went wrong: the `ConnectError` of a call, or what the table's rows threw. */
  override readonly cause: unknown;

  constructor(rows: number, cause: unknown) {
    const text = cause instanceof Error ? cause.message : String(cause);
    super(`${text} (after ${rows} ${rows === 1 ? "row" : "rows"})`, { cause });
    this.rows = rows;
    this.cause = cause;
  }
}
