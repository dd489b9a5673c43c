/** The minus sign, as wide as the plus sign where figures are tabular. */
const MINUS = "\u2212";

/** The per cent sign with the space before it, at which no line breaks. */
export const PER_CENT = "\u00a0%";

/**
 * Writes a probability as per cent with one decimal. It never rounds a doubt away: what is not
 * exactly 0 or 1 is never written as 0 % or 100 %.
 *
 * @param probability - 0 to 1.
 */
export function percent(probability: number): string {
  return digitsOf(probability) + PER_CENT;
}

function digitsOf(probability: number): string {
  if (probability <= 0) return "0";
  if (probability >= 1) return "100";
  if (probability < 0.0005) return "<0.1";
  if (probability >= 0.9995) return ">99.9";
  return (probability * 100).toFixed(1);
}

/** Writes a number of logits with its sign: "+1.25", "−0.30", "0.00". */
export function signed(value: number): string {
  const digits = magnitude(Math.abs(value));
  if (Number(digits) === 0) return digits;
  return (value > 0 ? "+" : MINUS) + digits;
}

/** Writes a number of logits, with a sign only if it is negative. */
export function logits(value: number): string {
  return signed(value).replace("+", "");
}

function magnitude(value: number): string {
  return value < 10_000 ? value.toFixed(2) : value.toPrecision(3);
}

/** Writes a value with its unit, if it has one: "5.1 cm". */
export function quantity(value: number, unit: string): string {
  const text = String(value).replace(/^-/, MINUS);
  return unit === "" ? text : `${text} ${unit}`;
}

/** Joins names for a sentence: "a, b or c". */
export function either(names: readonly string[]): string {
  if (names.length < 2) return names.join("");
  return `${names.slice(0, -1).join(", ")} or ${names[names.length - 1]}`;
}

/**
 * Says how the odds of a class to another read in a sentence: "3.2 times as likely as".
 *
 * @param margin - ln(odds), in logits; at least 0.
 */
export function timesAsLikely(margin: number): string {
  const odds = Math.exp(margin);
  if (odds < 1.05) return "about as likely as";
  if (odds < 10) return `${odds.toFixed(1)} times as likely as`;
  if (odds < 1e6) return `${grouped(odds)} times as likely as`;
  return "more than a million times as likely as";
}

/** Writes a count with its thousands grouped: "12,345". */
export function grouped(count: number): string {
  return Math.round(count)
    .toString()
    .replace(/\B(?=(\d{3})+$)/g, ",");
}

/**
 * Makes names of features readable: "sepal_length_cm" in cm is "Sepal length". Where two would
 * read alike, both keep the names that they have.
 */
export function readable(features: readonly { name: string; unit: string }[]): string[] {
  const labels = features.map(({ name, unit }) => sentenceCase(withoutUnit(name, unit)) || name);
  return labels.map((label, i) =>
    labels.indexOf(label) === labels.lastIndexOf(label) ? label : (features[i]?.name ?? label),
  );
}

function withoutUnit(name: string, unit: string): string {
  const suffixes = [`_${unit}`, ` (${unit})`];
  const suffix = unit === "" ? undefined : suffixes.find((s) => name.endsWith(s));
  return suffix === undefined ? name : name.slice(0, -suffix.length);
}

function sentenceCase(name: string): string {
  const words = name.replaceAll("_", " ").trim();
  return words.charAt(0).toUpperCase() + words.slice(1);
}
