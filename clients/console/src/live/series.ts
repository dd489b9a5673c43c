import type { Activity, ActivityPoint } from "@sepal-ml/client";
import { millisOf, secondsOf } from "./figures.js";
import type { Values } from "./scale.js";

/** The fewest steps that a chart has room for: a young server's points stand at its right. */
const FEWEST_SLOTS = 60;

/** What an activity says, as series of numbers: one per step of time, the oldest first. */
export interface Series {
  /** How many steps the charts have room for; at least as many as there are. */
  slots: number;
  stepSeconds: number;
  /** When each step ended, in milliseconds since 1970. */
  ends: number[];
  /** Per second. */
  requests: number[];
  predictions: number[];
  /** In seconds. */
  p50: Values;
  p90: Values;
  p99: Values;
  /** How many in the step. */
  refused: number[];
  failed: number[];
  /** 0 to 1; undefined where no row was classified. */
  confidence: Values;
  unsure: Values;
}

export function seriesOf({ points, step }: Pick<Activity, "points" | "step">): Series {
  const told = secondsOf(step);
  const stepSeconds = told > 0 ? told : 1;
  const of = <T>(value: (point: ActivityPoint) => T): T[] => points.map(value);
  const whereClassified = (value: (point: ActivityPoint) => number) =>
    of((point) => (point.predictions > 0n ? value(point) : undefined));
  return {
    slots: Math.max(FEWEST_SLOTS, points.length),
    stepSeconds,
    ends: of(({ start }) => (millisOf(start) ?? 0) + stepSeconds * 1000),
    requests: of(({ requests }) => Number(requests) / stepSeconds),
    predictions: of(({ predictions }) => Number(predictions) / stepSeconds),
    p50: of(({ latency }) => latency?.p50Seconds),
    p90: of(({ latency }) => latency?.p90Seconds),
    p99: of(({ latency }) => latency?.p99Seconds),
    refused: of(({ refused }) => Number(refused)),
    failed: of(({ failed }) => Number(failed)),
    confidence: whereClassified((point) => point.meanConfidence),
    unsure: whereClassified((point) => Number(point.lowConfidence) / Number(point.predictions)),
  };
}

/** The sum of a series. */
export function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}

/** Says a series in a few words, for those who do not see its line. */
export function said(values: Values, text: (value: number) => string): string {
  const numbers = values.filter((value) => value !== undefined);
  if (numbers.length === 0) return "nothing yet";
  const last = values.at(-1);
  const now = last === undefined ? "none in the last step" : `last ${text(last)}`;
  return `${now}, least ${text(Math.min(...numbers))}, most ${text(Math.max(...numbers))}`;
}
