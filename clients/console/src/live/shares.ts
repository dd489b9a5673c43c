/** A part of something that is shown with others: its name and its share, 0 to 1. */
export interface Share {
  name: string;
  share: number;
}

/**
 * The shares of counts, in their order. Of more than `most`, the largest keep their names and
 * the others are one: "4 others". None where nothing was counted.
 */
export function sharesOf(
  names: readonly string[],
  counts: readonly (number | bigint)[],
  most: number,
): Share[] {
  const numbers = names.map((_, i) => Number(counts[i] ?? 0));
  const total = numbers.reduce((all, n) => all + n, 0);
  if (total === 0) return [];
  const all = names.map((name, i) => ({ name, share: (numbers[i] ?? 0) / total, i }));
  const shown = largest(all, most, ({ share }) => share);
  const named = shown.map(({ name, share }) => ({ name, share }));
  if (shown.length === all.length) return named;
  const rest = 1 - named.reduce((part, { share }) => part + share, 0);
  const name = `${all.length - shown.length} others`;
  return [...named, { name, share: Math.max(0, rest) }];
}

/** A bin or a class: what its share was in training, and what it is now. */
export interface Pair {
  name: string;
  reference: number;
  now: number;
}

/** Pairs in the order of the model; of more than `most`, those that differ the most. */
export function pairsOf(
  names: readonly string[],
  references: readonly number[],
  shares: readonly number[],
  most: number,
): { pairs: Pair[]; left: number } {
  const all = names.map((name, i) => ({
    name,
    reference: references[i] ?? 0,
    now: shares[i] ?? 0,
  }));
  const pairs = largest(all, most, ({ reference, now }) => Math.abs(now - reference));
  return { pairs, left: all.length - pairs.length };
}

/** The items of the largest values, in the order that they had; all if there is but one more. */
function largest<T>(items: readonly T[], most: number, value: (item: T) => number): T[] {
  if (items.length <= most + 1) return [...items];
  const order = items.map((item, i) => ({ item, i }));
  const first = order.sort((a, b) => value(b.item) - value(a.item) || a.i - b.i).slice(0, most);
  return first.sort((a, b) => a.i - b.i).map(({ item }) => item);
}
