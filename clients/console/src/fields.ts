import type { Signature } from "@sepal-ml/client";
import { quantity, readable } from "./format.js";

/** What the form knows about a numeric feature. */
export interface NumberField {
  kind: "number";
  name: string;
  label: string;
  unit: string;
  description: string;
  /** The values among the training rows; unset where the signature does not say both ends. */
  range?: Range;
  /** What stands in for a missing value; unset where one is refused. */
  impute?: number;
}

/** What the form knows about a categorical feature. */
export interface CategoryField {
  kind: "category";
  name: string;
  label: string;
  unit: string;
  description: string;
  categories: readonly string[];
  /** What stands in for a missing value; unset where one is refused. */
  impute?: string;
  /** The category that a text counts as which is none of them; unset where one is refused. */
  other?: string;
}

export type Field = NumberField | CategoryField;

/** A closed interval and the step that suits it: a power of ten. */
export interface Range {
  min: number;
  max: number;
  step: number;
}

/** A value as `inputs` takes it; null is a missing one. */
export type Value = number | string | null;

/** What became of the text in an input: a value, or the reason why there is none. */
export type Reading = { ok: true; value: Value } | { ok: false; problem: string };

/** Reads the fields of a form from a signature, in its order. */
export function fieldsOf(signature: Signature | undefined): Field[] {
  const features = signature?.features ?? [];
  const labels = readable(features);
  return features.map((feature, i) => {
    const { name, unit, description, kind } = feature;
    const common = { name, unit, description, label: labels[i] ?? name };
    if (kind.case === "categorical") {
      const { categories, impute, other } = kind.value;
      return {
        ...common,
        kind: "category",
        categories,
        ...(impute !== undefined && { impute }),
        ...(other !== undefined && { other }),
      };
    }
    const { min, max, impute } = kind.value ?? {};
    const range = min !== undefined && max !== undefined ? rangeOf(min, max) : undefined;
    return {
      ...common,
      kind: "number",
      ...(range && { range }),
      ...(impute !== undefined && { impute }),
    };
  });
}

function rangeOf(min: number, max: number): Range | undefined {
  const width = max - min;
  if (!(width > 0 && width < Number.MAX_VALUE)) return undefined;
  return { min, max, step: 10 ** Math.floor(Math.log10(width / 20)) };
}

/** The text that an input starts with: the middle of the range, or the best guess without one. */
export function initialText(field: Field): string {
  if (field.kind === "category") return field.impute ?? field.categories[0] ?? "";
  if (field.range) return middle(field.range);
  return String(field.impute ?? 0);
}

function middle({ min, max, step }: Range): string {
  const value = Math.round((min + (max - min) / 2) / step) * step;
  const decimals = Math.max(0, -Math.log10(step));
  return String(Number(value.toFixed(Math.min(100, Math.round(decimals)))));
}

/**
 * Reads what an input holds.
 *
 * @param unreadable - whether the browser found text that is no number; `text` is empty then.
 */
export function parse(field: Field, text: string, unreadable = false): Reading {
  const trimmed = text.trim();
  if (!unreadable && trimmed === "") return missing(field);
  if (field.kind === "category") {
    if (field.categories.includes(text)) return { ok: true, value: text };
    return { ok: false, problem: "Choose one of the categories." };
  }
  const value = Number(trimmed);
  if (unreadable || !Number.isFinite(value)) {
    const unit = field.unit === "" ? "" : ` in ${field.unit}`;
    return { ok: false, problem: `Enter a finite number${unit}, such as ${initialText(field)}.` };
  }
  return { ok: true, value };
}

/** Reads a text typed in place of a category, which goes to the model as it is, blanks and all. */
export function parseTyped(text: string): Reading {
  if (text !== "") return { ok: true, value: text };
  return { ok: false, problem: "Type a text, or choose one of the categories." };
}

function missing(field: Field): Reading {
  if (field.impute !== undefined) return { ok: true, value: null };
  const what = field.kind === "category" ? "Choose a category" : "Enter a number";
  return { ok: false, problem: `${what}: the model cannot do without this value.` };
}

/** Says that a value is none that the model was trained on; empty if it is. */
export function outside(field: Field, value: Value): string {
  if (field.kind === "category") return unlisted(field, value);
  if (!field.range || typeof value !== "number") return "";
  const { min, max } = field.range;
  if (value >= min && value <= max) return "";
  const span = `${quantity(min, "")} to ${quantity(max, field.unit)}`;
  return `Outside the training range, ${span}: the model extrapolates.`;
}

function unlisted({ categories, other }: CategoryField, value: Value): string {
  if (other === undefined || typeof value !== "string" || categories.includes(value)) return "";
  return `None of the categories: it counts as “${other}”.`;
}
