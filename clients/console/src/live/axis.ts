import { ceiling, type Values } from "./scale.js";

/** How values stand in a chart, and what is written at both ends. */
export interface Axis {
  /** Where a value stands: 0 at the baseline, 1 at the top. */
  place(value: number): number;
  bottomText: string;
  topText: string;
}

/** An axis from 0; the baseline says that by itself. */
export function fromZero(top: number, text: (value: number) => string): Axis {
  return { place: (value) => value / top, bottomText: "", topText: text(top) };
}

/**
 * An axis on which each power of ten takes the same room, so that a few slow requests do not hide
 * the others. It begins and ends at a power of ten.
 */
export function byPowersOfTen(values: readonly Values[], text: (value: number) => string): Axis {
  const all = values.flatMap((some) => some.filter((v): v is number => v !== undefined && v > 0));
  if (all.length === 0) return fromZero(1, () => "");
  const bottom = Math.floor(Math.log10(Math.min(...all)));
  const top = Math.max(bottom + 1, Math.ceil(Math.log10(Math.max(...all))));
  return {
    place: (value) => (value > 0 ? (Math.log10(value) - bottom) / (top - bottom) : 0),
    bottomText: text(10 ** bottom),
    topText: text(10 ** top),
  };
}

/** An axis from 0 that holds all values. */
export function holding(values: readonly Values[], text: (value: number) => string): Axis {
  return fromZero(ceiling(...values), text);
}

/** An axis of shares: as far as they reach, and to 1 at most. */
export function ofShares(values: Values, text: (value: number) => string): Axis {
  return fromZero(Math.min(1, ceiling(values)), text);
}
