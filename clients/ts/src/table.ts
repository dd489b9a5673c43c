import type { MatrixResult } from "#gen/sepal/prediction/v1/prediction_service_pb.js";
import type { SepalClient } from "./client.js";
import type { CallOptions } from "./options.js";
import { stoppable } from "./stream.js";
import { chunksOf, type MatrixChunk, type Table, tableRows } from "./table_chunks.js";
import { TableError } from "./table_error.js";

/** How {@link classifyTable} classifies, and how it goes about it. */
export interface TableOptions extends CallOptions {
  /** The model. Default: the server's default model. */
  model?: string | undefined;

  /** A version of the model or a label of its rollout. Default: what the rollout decides. */
  version?: string | undefined;

  /** Whom the predictions are for; see `PredictRequest.subjectId`. Default: nobody. */
  subjectId?: string | undefined;

  /** Whether to answer the probabilities of all classes too. Default: false. */
  probabilities?: boolean | undefined;

  /**
   * The most rows of one request, at least 1. A server takes a million unless set otherwise,
   * and requests of at most 4 MiB. Default: as many as make 1 MiB of values.
   */
  chunkRows?: number | undefined;

  /** The most requests under way at a time, at least 1. Default: 4. */
  inFlight?: number | undefined;

  /** Is told after every chunk how far the table is classified. Default: none. */
  onProgress?: ((progress: TableProgress) => void) | undefined;
}

/** How far a table is classified. */
export interface TableProgress {
  /** How many rows, from the first on, have their results. */
  rows: number;

  /** How many rows the table has. Absent: it is being read, and does not say. */
  totalRows?: number;
}

/** The results of consecutive rows of a table. */
export interface TableChunk {
  /** The zero-based position in the table of the chunk's first row. */
  firstRow: number;

  /** How many rows the chunk has. */
  rows: number;

  /**
   * The results as columns. The rows in `errors`, and the paths of their field violations,
   * count from the first row of the table; their messages are the server's, of the chunk.
   */
  result: MatrixResult;

  /** The name of the model that answered: the same in all chunks. */
  model: string;

  /** The version that answered: the same in all chunks. */
  modelVersion: string;

  /** The variant that the rollout gave to the first chunk, and so to all. */
  variant: string;
}

/**
 * Classifies the rows of a table of any size, in requests of many rows of which a few are
 * under way at a time, and yields the results in order. A row that does not fit has an error
 * in its chunk. An iterable of rows is read only as far as requests need it.
 *
 * One version answers the whole table: the one that answers the first chunk, which is sent
 * alone.
 *
 * The iteration stops with a {@link TableError} at the first request that fails, when `signal`
 * is aborted, and where rows differ in length or cannot be read. `timeoutMs` is the time of one
 * request. Leaving the loop cancels what is under way.
 *
 * @throws RangeError when an option or the shape of the table is out of bounds.
 */
export function classifyTable(
  client: Pick<SepalClient, "batchPredict">,
  table: Table,
  options: TableOptions = {},
): AsyncIterable<TableChunk> {
  const inFlight = options.inFlight ?? 4;
  if (!Number.isInteger(inFlight) || inFlight < 1) {
    throw new RangeError(`inFlight: expected a whole number from 1, found ${inFlight}`);
  }
  const totalRows = tableRows(table);
  const chunks = chunksOf(table, options.chunkRows);
  return inOrder(client, chunks, inFlight, totalRows, options);
}

async function* inOrder(
  client: Pick<SepalClient, "batchPredict">,
  chunks: AsyncGenerator<MatrixChunk>,
  inFlight: number,
  totalRows: number | undefined,
  options: TableOptions,
): AsyncGenerator<TableChunk, void, undefined> {
  const { signal, stop } = stoppable(options.signal);
  const asked: Promise<TableChunk>[] = [];
  let reading: Promise<IteratorResult<MatrixChunk>> | undefined;
  let first: TableChunk | undefined;
  let ended = false;
  let rows = 0;
  try {
    for (;;) {
      if (!ended && !reading && asked.length < (first ? inFlight : 1)) {
        reading = observed(chunks.next());
      }
      const event = await nextOf(reading, asked[0]);
      if (event === undefined) {
        return;
      }
      if ("read" in event) {
        reading = undefined;
        ended = event.read.done === true;
        if (!event.read.done) {
          asked.push(observed(ask(client, event.read.value, first, { ...options, signal })));
        }
        continue;
      }
      asked.shift();
      first ??= event.answered;
      rows += event.answered.rows;
      options.onProgress?.({ rows, ...(totalRows !== undefined && { totalRows }) });
      yield event.answered;
    }
  } finally {
    stop();
    // Not awaited: a source that is waiting for its next row ends only after that.
    void observed(chunks.return(undefined));
  }

  async function nextOf(
    read: Promise<IteratorResult<MatrixChunk>> | undefined,
    answer: Promise<TableChunk> | undefined,
  ) {
    try {
      return await Promise.race([
        ...(read ? [read.then((read) => ({ read }))] : []),
        ...(answer ? [answer.then((answered) => ({ answered }))] : []),
        ...(read || answer ? [] : [undefined]),
      ]);
    } catch (error) {
      throw new TableError(rows, error);
    }
  }
}

/** Keeps a promise that may be dropped from ending the process when it is rejected. */
function observed<T>(promise: Promise<T>): Promise<T> {
  promise.catch(() => {});
  return promise;
}

async function ask(
  client: Pick<SepalClient, "batchPredict">,
  { firstRow, rows, matrix }: MatrixChunk,
  first: TableChunk | undefined,
  options: TableOptions,
): Promise<TableChunk> {
  const response = await client.batchPredict(
    {
      matrix,
      model: first?.model ?? options.model ?? "",
      version: first?.modelVersion ?? options.version ?? "",
      subjectId: options.subjectId ?? "",
      probabilities: options.probabilities ?? false,
    },
    { signal: options.signal, timeoutMs: options.timeoutMs, headers: options.headers },
  );
  const found = response.matrix?.classIndices.length ?? 0;
  if (!response.matrix || found !== rows) {
    throw new Error(`rows ${firstRow} on: expected ${rows} results, found ${found}`);
  }
  const { model, modelVersion } = response;
  const result = response.matrix;
  countFrom(firstRow, matrix.columns, result);
  return {
    firstRow,
    rows,
    result,
    model,
    modelVersion,
    variant: first?.variant ?? response.variant,
  };
}

/** Makes the rows and paths of errors count from the table's first row. */
function countFrom(firstRow: number, columns: number, result: MatrixResult): void {
  for (const error of result.errors) {
    error.row += firstRow;
    for (const violation of error.error?.fieldViolations ?? []) {
      violation.field = violation.field.replace(
        /^(matrix\.(?:float_)?values\[)(\d+)/,
        (_, path: string, at: string) => `${path}${Number(at) + firstRow * columns}`,
      );
    }
  }
}
