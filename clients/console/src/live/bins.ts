import { quantity } from "../format.js";

/** The height of a histogram in its own units; a bin is 10 wide. */
export const BIN_WIDTH = 10;
export const BIN_HEIGHT = 48;

/** The bars of the bins. */
export function binBars(shares: readonly number[], top: number): string {
  return shares
    .map((share, i) => {
      const height = scaled(share, top);
      const x = i * BIN_WIDTH;
      return height > 0
        ? `M${x + 0.8} ${BIN_HEIGHT}V${round(BIN_HEIGHT - height)}h8.4V${BIN_HEIGHT}Z`
        : "";
    })
    .join("");
}

/** The outline over the bins, from the baseline to the baseline. */
export function binOutline(shares: readonly number[], top: number): string {
  const steps = shares.map((share) => `V${round(BIN_HEIGHT - scaled(share, top))}h${BIN_WIDTH}`);
  return steps.length === 0 ? "" : `M0 ${BIN_HEIGHT}${steps.join("")}V${BIN_HEIGHT}`;
}

/** The share that fills the height: the largest of all; 1 where there is none. */
export function topOf(...shares: readonly (readonly number[])[]): number {
  return Math.max(0, ...shares.flat().filter(Number.isFinite)) || 1;
}

function scaled(share: number, top: number): number {
  return BIN_HEIGHT * Math.min(1, Math.max(0, share / top)) || 0;
}

function round(value: number): number {
  return Math.round(value * 100) / 100;
}

/** Writes an edge in as few digits as tell it from its neighbours, four at least. */
export function edgeTexts(edges: readonly number[]): string[] {
  for (let digits = 4; digits < 17; digits++) {
    const texts = edges.map((edge) => quantity(Number(edge.toPrecision(digits)), ""));
    if (new Set(texts).size === new Set(edges).size) return texts;
  }
  return edges.map((edge) => quantity(edge, ""));
}

/** What each bin holds, in words: "below 4.8 cm", "4.8 to 5.1 cm", "5.1 cm and above". */
export function binNames(edges: readonly number[], unit: string): string[] {
  const texts = edgeTexts(edges);
  const [first, last] = [texts[0], texts.at(-1)];
  if (first === undefined || last === undefined) return ["all values"];
  const of = (text: string): string => (unit === "" ? text : `${text} ${unit}`);
  return [
    `below ${of(first)}`,
    ...texts.slice(1).map((text, i) => `${texts[i]} to ${of(text)}`),
    `${of(last)} and above`,
  ];
}

/** Which of the edges are written below a histogram: a few, evenly, with both ends. */
export function labelledEdges(count: number, most: number): number[] {
  if (count <= most) return Array.from({ length: count }, (_, i) => i);
  const chosen = Array.from({ length: most }, (_, i) => Math.round((i * (count - 1)) / (most - 1)));
  return [...new Set(chosen)];
}
