import { Code, ConnectError } from "@connectrpc/connect";
import { expect, test } from "vitest";
import {
  type BatchPredictRequest,
  classifyTable,
  describeError,
  type Table,
  type TableChunk,
  TableError,
  type TableOptions,
  type TableProgress,
} from "../../src/index.js";
import { clientOf } from "./router.js";

/** A client whose answers repeat the first value of each row as confidence. */
function echoing(before: (request: BatchPredictRequest, call: number) => unknown = () => {}) {
  const asked: BatchPredictRequest[] = [];
  const client = clientOf({
    async batchPredict(request) {
      const call = asked.push(request) - 1;
      await before(request, call);
      const { columns = 1, values = [], floatValues = [] } = request.matrix ?? {};
      const confidences = [...values, ...floatValues].filter((_, i) => i % columns === 0);
      const classIndices = confidences.map(() => 0);
      return {
        matrix: { classes: ["a"], classIndices, confidences },
        model: "iris",
        modelVersion: "v1.0.0",
        variant: request.version === "" ? "canary" : "",
      };
    },
  });
  return { client, asked };
}

async function collect(chunks: AsyncIterable<TableChunk>): Promise<TableChunk[]> {
  const all: TableChunk[] = [];
  for await (const chunk of chunks) {
    all.push(chunk);
  }
  return all;
}

const confidences = (chunks: TableChunk[]) => chunks.flatMap((c) => c.result.confidences);

/** Rows 0 to n - 1 of two columns, in every form that a table may have. */
function forms(n: number): [string, Table][] {
  const rows = Array.from({ length: n }, (_, i) => [i, -i]);
  async function* later() {
    yield* rows;
  }
  return [
    ["doubles", { values: Float64Array.from(rows.flat()), columns: 2 }],
    ["floats", { values: Float32Array.from(rows.flat()), columns: 2 }],
    ["numbers", { values: rows.flat(), columns: 2 }],
    ["rows", rows],
    ["rows that come later", later()],
  ];
}

test.each(forms(7))("a table of %s is cut into chunks and put together again", async (_, table) => {
  const { client, asked } = echoing();
  const chunks = await collect(classifyTable(client, table, { chunkRows: 3 }));
  expect(chunks.map((c) => [c.firstRow, c.rows])).toEqual([
    [0, 3],
    [3, 3],
    [6, 1],
  ]);
  expect(confidences(chunks)).toEqual([0, 1, 2, 3, 4, 5, 6]);
  expect(asked.map((r) => r.matrix?.columns)).toEqual([2, 2, 2]);
});

test("floats travel as floats", async () => {
  const { client, asked } = echoing();
  const table = { values: Float32Array.of(1.5, 2.5), columns: 1 };
  await collect(classifyTable(client, table));
  expect(asked[0]?.matrix).toMatchObject({ values: [], floatValues: [1.5, 2.5] });
});

test.each(forms(0))("an empty table of %s makes no call", async (_, table) => {
  const { client, asked } = echoing();
  expect(await collect(classifyTable(client, table))).toEqual([]);
  expect(asked).toEqual([]);
});

test("a chunk is a mebibyte of values unless said otherwise", async () => {
  const { client } = echoing();
  const table = { values: new Float64Array(64 * 5_000), columns: 64 };
  const chunks = await collect(classifyTable(client, table));
  expect(chunks.map((c) => c.rows)).toEqual([2048, 2048, 904]);
});

test("the version that answers the first chunk answers all", async () => {
  const { client, asked } = echoing();
  const options = { chunkRows: 1, version: "", subjectId: "u1", probabilities: true };
  const chunks = await collect(classifyTable(client, [[1], [2], [3]], options));
  expect(asked.map(({ model, version }) => [model, version])).toEqual([
    ["", ""],
    ["iris", "v1.0.0"],
    ["iris", "v1.0.0"],
  ]);
  expect(asked.every((r) => r.subjectId === "u1" && r.probabilities)).toBe(true);
  expect(chunks.map((c) => [c.modelVersion, c.variant])).toEqual(
    Array(3).fill(["v1.0.0", "canary"]),
  );
});

test("so many requests are under way, the first alone, and results stay in order", async () => {
  let underWay = 0;
  const seen: number[] = [];
  let go = (): void => undefined;
  const three = new Promise<void>((resolve) => {
    go = resolve;
  });
  const { client } = echoing(async (_, call) => {
    seen[call] = ++underWay;
    if (underWay === 3) go();
    if (call > 0) await three;
    await new Promise((resolve) => setTimeout(resolve, call % 2 === 1 ? 10 : 1));
    underWay--;
  });
  const rows = Array.from({ length: 12 }, (_, i) => [i]);
  const chunks = await collect(classifyTable(client, rows, { chunkRows: 1, inFlight: 3 }));
  expect(confidences(chunks)).toEqual(rows.flat());
  expect(seen[0]).toBe(1);
  expect(Math.max(...seen)).toBe(3);
});

test("rows are read only as far as requests need them", async () => {
  let read = 0;
  function* rows() {
    for (;;) {
      read++;
      yield [read];
    }
  }
  const { client } = echoing();
  for await (const chunk of classifyTable(client, rows(), { chunkRows: 2, inFlight: 2 })) {
    expect(read).toBeLessThanOrEqual(chunk.firstRow + 2 * 4);
    if (chunk.firstRow >= 20) {
      break;
    }
  }
});

test("progress counts the rows that have their results", async () => {
  const { client } = echoing();
  const progress: TableProgress[] = [];
  const options = { chunkRows: 2, onProgress: (p: TableProgress) => progress.push(p) };
  await collect(classifyTable(client, { values: [1, 2, 3], columns: 1 }, options));
  await collect(classifyTable(client, [[1]], options));
  expect(progress).toEqual([{ rows: 2, totalRows: 3 }, { rows: 3, totalRows: 3 }, { rows: 1 }]);
});

test("the first request that fails stops the table, and says how far it came", async () => {
  const { client, asked } = echoing((_, call) => {
    if (call >= 2) {
      throw new ConnectError("too large", Code.ResourceExhausted, { "x-request-id": "r-1" });
    }
  });
  const done: number[] = [];
  const rows = Array.from({ length: 40 }, (_, i) => [i]);
  const options: TableOptions = { chunkRows: 2, inFlight: 2, onProgress: (p) => done.push(p.rows) };
  const error = await collect(classifyTable(client, rows, options)).catch((e: unknown) => e);
  expect(error).toBeInstanceOf(TableError);
  expect(error).toMatchObject({
    rows: 4,
    message: "[resource_exhausted] too large (after 4 rows)",
    cause: { code: Code.ResourceExhausted },
  });
  expect(describeError(error)).toMatchObject({
    code: "resource_exhausted",
    message: "too large",
    requestId: "r-1",
  });
  expect(done).toEqual([2, 4]);
  expect(asked.length).toBeLessThanOrEqual(4);
  expect(new ConnectError("other")).not.toBeInstanceOf(TableError);
});

test("a signal stops the table", async () => {
  const controller = new AbortController();
  const { client, asked } = echoing((_, call) => {
    if (call === 1) {
      controller.abort();
    }
  });
  const rows = Array.from({ length: 40 }, (_, i) => [i]);
  const options = { chunkRows: 1, inFlight: 2, signal: controller.signal };
  const error = await collect(classifyTable(client, rows, options)).catch((e: unknown) => e);
  expect(describeError(error).code).toBe("canceled");
  expect(error).toMatchObject({ rows: 1 });
  expect(asked.length).toBeLessThanOrEqual(3);
});

test("leaving the loop cancels what is under way", async () => {
  let underWay = 0;
  let canceled = () => {};
  const allCanceled = new Promise<void>((resolve) => {
    canceled = resolve;
  });
  const client = clientOf({
    batchPredict({ matrix }, context) {
      if ((matrix?.values[0] ?? 0) <= 2) {
        return { matrix: { classIndices: [0] }, model: "m", modelVersion: "v" };
      }
      underWay++;
      return new Promise((_, reject) => {
        context.signal.addEventListener("abort", () => {
          reject(context.signal.reason);
          if (--underWay === 0) {
            canceled();
          }
        });
      });
    },
  });
  const table = [[1], [2], [3], [4], [5], [6]];
  for await (const { firstRow } of classifyTable(client, table, { chunkRows: 1, inFlight: 3 })) {
    if (firstRow === 1) {
      break;
    }
  }
  await allCanceled;
});

test("rows that differ in length, or cannot be read, stop the table", async () => {
  const { client } = echoing();
  function* broken() {
    yield [1, 2];
    throw new Error("line 2: no number");
  }
  const cases: [Table, number, string][] = [
    [[[1, 2], [3, 4], [5]], 2, "row 2: expected 2 numbers as in row 0, found 1 (after 2 rows)"],
    [[[], [1]], 0, "row 0: expected at least one number, found none (after 0 rows)"],
    [broken(), 1, "line 2: no number (after 1 row)"],
  ];
  for (const [table, rows, message] of cases) {
    const error = await collect(classifyTable(client, table, { chunkRows: 1, inFlight: 1 })).catch(
      (e: unknown) => e,
    );
    expect(error).toBeInstanceOf(TableError);
    expect(error).toMatchObject({ rows, message });
  }
});

test("errors of rows count from the table's first row", async () => {
  const client = clientOf({
    batchPredict: () => ({
      matrix: {
        classIndices: [0, 0],
        errors: [
          {
            row: 1,
            error: {
              code: "invalid_argument",
              fieldViolations: [
                { field: "matrix.values[3]" },
                { field: "matrix.float_values[2]" },
                { field: "other[3]" },
              ],
            },
          },
        ],
      },
      model: "m",
      modelVersion: "v",
    }),
  });
  const table = { values: new Float64Array(8), columns: 2 };
  const chunks = await collect(classifyTable(client, table, { chunkRows: 2 }));
  const errors = chunks.flatMap((c) => c.result.errors);
  expect(
    errors.map((e) => [e.row, ...(e.error?.fieldViolations.map((v) => v.field) ?? [])]),
  ).toEqual([
    [1, "matrix.values[3]", "matrix.float_values[2]", "other[3]"],
    [3, "matrix.values[7]", "matrix.float_values[6]", "other[3]"],
  ]);
});

test("an answer that is not of the rows sent is an error", async () => {
  const client = clientOf({ batchPredict: () => ({ matrix: { classIndices: [0] } }) });
  const error = await collect(classifyTable(client, [[1], [2]])).catch((e: unknown) => e);
  expect(error).toMatchObject({
    message: "rows 0 on: expected 2 results, found 1 (after 0 rows)",
  });
});

test("options and shapes out of bounds are refused at once", () => {
  const { client } = echoing();
  const table = { values: [1, 2, 3], columns: 2 };
  expect(() => classifyTable(client, table)).toThrow(
    "values: expected a multiple of 2 numbers, one per column, found 3",
  );
  expect(() => classifyTable(client, { values: [], columns: 0 })).toThrow(/^columns: expected/);
  for (const wrong of [0, 1.5, Number.NaN]) {
    expect(() => classifyTable(client, [[1]], { chunkRows: wrong })).toThrow(/^chunkRows: /);
    expect(() => classifyTable(client, [[1]], { inFlight: wrong })).toThrow(/^inFlight: /);
  }
});
