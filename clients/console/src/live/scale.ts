/** The size of a chart in its own units; it is stretched to the place that it gets. */
export const WIDTH = 300;
export const HEIGHT = 72;

/** A value of each step of time; undefined where there is none. */
export type Values = readonly (number | undefined)[];

/** The end of an axis from 0 that holds all values: 1, 2 or 5 times a power of ten; 1 for none. */
export function ceiling(...series: readonly Values[]): number {
  let most = 0;
  for (const values of series) {
    for (const value of values) {
      if (value !== undefined && Number.isFinite(value) && value > most) most = value;
    }
  }
  if (most === 0) return 1;
  const power = 10 ** Math.floor(Math.log10(most));
  const factor = [1, 2, 5].find((f) => most <= f * power * (1 + 1e-9)) ?? 10;
  return Number((factor * power).toPrecision(1));
}

/** Where the middle of a step is: the last step is at the right edge, however many there are. */
export function middleOf(index: number, count: number, slots: number): number {
  return ((slots - count + index + 0.5) / slots) * WIDTH;
}

/** The step at a place; undefined where there is none. */
export function stepAt(x: number, count: number, slots: number): number | undefined {
  const index = Math.floor((x / WIDTH) * slots) - (slots - count);
  return index >= 0 && index < count ? index : undefined;
}

/** A line through the values, broken where there is none; a value that stands alone is a dot. */
export function linePath(values: Values, top: number, slots: number): string {
  return runsOf(values, top, slots)
    .map((run) => `M${run.map(({ x, y }) => `${x} ${y}`).join("L")}${run.length === 1 ? "h0" : ""}`)
    .join("");
}

/** What lies under the line. */
export function areaPath(values: Values, top: number, slots: number): string {
  return runsOf(values, top, slots)
    .map((run) => {
      const [first, last] = [run[0]?.x ?? 0, run.at(-1)?.x ?? 0];
      const line = run.map(({ x, y }) => `${x} ${y}`).join("L");
      return `M${first} ${HEIGHT}L${line}L${last} ${HEIGHT}Z`;
    })
    .join("");
}

/** A bar for every value above 0, on top of what `under` has in the same step. */
export function barPath(values: Values, under: Values, top: number, slots: number): string {
  const width = rounded((WIDTH / slots) * 0.8);
  return values
    .map((value, i) => {
      const height = HEIGHT - heightOf(value ?? 0, top);
      if (height <= 0) return "";
      const x = rounded(middleOf(i, values.length, slots) - width / 2);
      const bottom = heightOf(under[i] ?? 0, top);
      return `M${x} ${rounded(bottom)}h${width}V${rounded(Math.max(0, bottom - height))}h-${width}Z`;
    })
    .join("");
}

interface Place {
  x: number;
  y: number;
}

function runsOf(values: Values, top: number, slots: number): Place[][] {
  const runs: Place[][] = [];
  let run: Place[] | undefined;
  for (const [i, value] of values.entries()) {
    if (value === undefined || !Number.isFinite(value)) {
      run = undefined;
      continue;
    }
    if (!run) {
      run = [];
      runs.push(run);
    }
    run.push({
      x: rounded(middleOf(i, values.length, slots)),
      y: rounded(heightOf(value, top)),
    });
  }
  return runs;
}

function heightOf(value: number, top: number): number {
  return HEIGHT * (1 - Math.min(1, Math.max(0, value / top)));
}

function rounded(value: number): number {
  return Math.round(value * 100) / 100;
}
