/** Where a bar stands in its track, in per cent of the track's width. */
export interface Bar {
  left: number;
  width: number;
}

/** A class and its probability. */
export interface Score {
  class: string;
  probability: number;
}

/** The bar of a probability: from the left edge. */
export function probabilityBar(probability: number): Bar {
  return { left: 0, width: clamp(probability, 0, 1) * 100 };
}

/**
 * The bars of signed values around an axis in the middle of the track, to one scale: the largest
 * magnitude fills its half.
 */
export function signedBars(values: readonly number[]): Bar[] {
  const scale = Math.max(...values.map(Math.abs), 0);
  return values.map((value) => {
    const width = scale > 0 ? (Math.abs(value) / scale) * 50 : 0;
    return { left: value < 0 ? 50 - width : 50, width };
  });
}

/**
 * Arranges scores for display. Few classes stand in the model's order, so that bars keep their
 * places while values change; of many the best are listed and the others summed up.
 *
 * @param scores - best first.
 * @param classes - in the model's order.
 */
export function arrangeScores(
  scores: readonly Score[],
  classes: readonly string[],
  limit: number,
): { rows: Score[]; others: { count: number; probability: number } } {
  if (scores.length <= limit) {
    const place = new Map(classes.map((name, i) => [name, i]));
    const at = (score: Score): number => place.get(score.class) ?? classes.length;
    return {
      rows: [...scores].sort((a, b) => at(a) - at(b)),
      others: { count: 0, probability: 0 },
    };
  }
  const rest = scores.slice(limit);
  const probability = rest.reduce((sum, score) => sum + score.probability, 0);
  return { rows: scores.slice(0, limit), others: { count: rest.length, probability } };
}

/**
 * Splits contributions into those to list and those to sum up. Few stand in the signature's
 * order; of many the largest in magnitude are listed, largest first.
 */
export function arrangeContributions<T extends { contribution: number }>(
  contributions: readonly T[],
  limit: number,
): { rows: T[]; others: { count: number; contribution: number } } {
  if (contributions.length <= limit) {
    return { rows: [...contributions], others: { count: 0, contribution: 0 } };
  }
  const sorted = [...contributions].sort(
    (a, b) => Math.abs(b.contribution) - Math.abs(a.contribution),
  );
  const rest = sorted.slice(limit);
  const contribution = rest.reduce((sum, c) => sum + c.contribution, 0);
  return { rows: sorted.slice(0, limit), others: { count: rest.length, contribution } };
}

function clamp(value: number, low: number, high: number): number {
  return Math.min(high, Math.max(low, value));
}
