/** A row of a table: its numbers, in the order of the signature; a category as its position. */
export type TableRow = ArrayLike<number>;

/** Rows that lie one after the other in one array of numbers. */
export interface NumberTable {
  /**
   * The numbers, row by row: a multiple of `columns`. A Float32Array travels in half the
   * bytes, each number to about seven digits. Must not change while the table is classified.
   */
  values: Float64Array | Float32Array | readonly number[];

  /** The number of features of the signature: the length of a row; at least 1. */
  columns: number;
}

/** Rows to classify: numbers one after the other, or rows one by one, all of one length. */
export type Table = NumberTable | Iterable<TableRow> | AsyncIterable<TableRow>;

/** Consecutive rows of a table as a request takes them. */
export interface MatrixChunk {
  firstRow: number;
  rows: number;
  matrix: { columns: number; values?: number[]; floatValues?: number[] };
}

/** Bytes of the values of a chunk, unless a number of rows is given. */
const chunkBytes = 2 ** 20;

/** How many rows a table has; undefined for one whose rows come one by one. */
export function tableRows(table: Table): number | undefined {
  if (!isNumberTable(table)) {
    return undefined;
  }
  const { values, columns } = table;
  if (!Number.isInteger(columns) || columns < 1) {
    throw new RangeError(`columns: expected a whole number from 1, found ${columns}`);
  }
  if (values.length % columns !== 0) {
    throw new RangeError(
      `values: expected a multiple of ${columns} numbers, one per column, found ${values.length}`,
    );
  }
  return values.length / columns;
}

/** Cuts a table into chunks of at most so many rows, read as they are asked for. */
export function chunksOf(table: Table, chunkRows: number | undefined): AsyncGenerator<MatrixChunk> {
  if (chunkRows !== undefined && (!Number.isInteger(chunkRows) || chunkRows < 1)) {
    throw new RangeError(`chunkRows: expected a whole number from 1, found ${chunkRows}`);
  }
  const most = (columns: number) =>
    chunkRows ?? Math.max(1, Math.floor(chunkBytes / (8 * columns)));
  return isNumberTable(table) ? cut(table, most(table.columns)) : gather(table, most);
}

function isNumberTable(table: Table): table is NumberTable {
  return "columns" in table;
}

async function* cut({ values, columns }: NumberTable, most: number): AsyncGenerator<MatrixChunk> {
  const rows = values.length / columns;
  for (let firstRow = 0; firstRow < rows; firstRow += most) {
    const end = Math.min(rows, firstRow + most);
    const part = Array.from(values.slice(firstRow * columns, end * columns));
    const matrix =
      values instanceof Float32Array ? { columns, floatValues: part } : { columns, values: part };
    yield { firstRow, rows: end - firstRow, matrix };
  }
}

async function* gather(
  table: Iterable<TableRow> | AsyncIterable<TableRow>,
  most: (columns: number) => number,
): AsyncGenerator<MatrixChunk> {
  let columns = 0;
  let row = 0;
  let values: number[] = [];
  const chunk = (): MatrixChunk => {
    const rows = values.length / columns;
    return { firstRow: row - rows, rows, matrix: { columns, values } };
  };
  for await (const numbers of table) {
    if (row === 0) {
      columns = numbers.length;
    }
    checkRow(row, numbers.length, columns);
    for (let i = 0; i < columns; i++) {
      values.push(numbers[i] as number);
    }
    row++;
    if (values.length >= most(columns) * columns) {
      yield chunk();
      values = [];
    }
  }
  if (values.length > 0) {
    yield chunk();
  }
}

function checkRow(row: number, length: number, columns: number): void {
  if (columns === 0) {
    throw new RangeError("row 0: expected at least one number, found none");
  }
  if (length !== columns) {
    throw new RangeError(`row ${row}: expected ${columns} numbers as in row 0, found ${length}`);
  }
}
