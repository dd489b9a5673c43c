import { type DriftReport, DriftState, type FeatureDrift } from "@sepal-ml/client";
import { grouped } from "../format.js";
import { counted } from "./figures.js";

/** What is to be said of some distribution: a word, how it looks, and a sentence. */
export interface Verdict {
  word: string;
  /** The class of its badge. */
  kind: "" | "strong" | "danger";
  sentence: string;
}

type Told = Pick<DriftReport, "state" | "rows" | "rowsNeeded" | "features" | "predictions">;

/** Says in words what a report says. */
export function verdictOf(report: Told): Verdict {
  switch (report.state) {
    case DriftState.DRIFTED:
      return { word: "drifted", kind: "danger", sentence: driftedOf(report) };
    case DriftState.STABLE:
      return { word: "stable", kind: "strong", sentence: "Nothing has drifted that matters." };
    case DriftState.NOT_ENOUGH_DATA:
      return { word: "not enough data", kind: "", sentence: missingRows(report) };
    case DriftState.NO_REFERENCE:
      return {
        word: "no reference",
        kind: "",
        sentence:
          "The model file has no reference profile, so there is nothing to compare with. " +
          "Models that “sepal train” wrote have one.",
      };
    default:
      return { word: "unknown", kind: "", sentence: "The server does not say." };
  }
}

function driftedOf({ features, predictions }: Told): string {
  const drifted = features.filter(({ state }) => state === DriftState.DRIFTED).length;
  const what: string[] = [];
  if (drifted > 0) what.push(`${grouped(drifted)} of ${counted(features.length, "feature")}`);
  if (predictions?.state === DriftState.DRIFTED) what.push("the predicted classes");
  if (what.length === 0) return "The rows differ from those of training.";
  const many = what.length > 1 || drifted > 1 || (drifted === 0 && what.length === 1);
  const text = what.join(" and ");
  return `${text.charAt(0).toUpperCase()}${text.slice(1)} ${many ? "have" : "has"} drifted.`;
}

function missingRows({ rows, rowsNeeded }: Told): string {
  if (rows >= rowsNeeded) return "Not enough data: too few of the rows have values.";
  return `Not enough data: ${grouped(Number(rows))} of ${counted(rowsNeeded, "row")}.`;
}

/** The word for a feature or the classes, where it says more than that of the report; or empty. */
export function stateWord({
  state,
  divergence,
}: Pick<FeatureDrift, "state" | "divergence">): string {
  switch (state) {
    case DriftState.DRIFTED:
      return "drifted";
    case DriftState.STABLE:
      return "stable";
    case DriftState.NOT_ENOUGH_DATA:
      return divergence ? "" : "no values";
    default:
      return "";
  }
}

/** Writes a population stability index. */
export function psiText(psi: number | undefined): string {
  if (psi === undefined) return "–";
  if (psi > 0 && psi < 0.005) return "<0.01";
  return psi < 100 ? psi.toFixed(2) : grouped(psi);
}

/** The features, those that differ the most first; those of which it is not known last. */
export function byPsi<T extends Pick<FeatureDrift, "divergence">>(features: readonly T[]): T[] {
  const of = ({ divergence }: T): number => divergence?.psi ?? -1;
  return features
    .map((feature, i) => ({ feature, i }))
    .sort((a, b) => of(b.feature) - of(a.feature) || a.i - b.i)
    .map(({ feature }) => feature);
}
