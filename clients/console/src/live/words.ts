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

/** From how much more of the rows on, than in training, a feature counts as gone missing. */
const missingExcess = 0.2;

type Missing = Pick<FeatureDrift, "missingShare" | "referenceMissingShare">;

/** Whether a feature is missing in many more rows than in training, which no bin shows. */
export function goneMissing({ missingShare, referenceMissingShare }: Missing): boolean {
  return missingShare - referenceMissingShare > missingExcess;
}

/** Says in words what a report says, and what it shows of missing values. */
export function verdictOf(report: Told): Verdict {
  const gone = report.features.filter(goneMissing);
  const enough = report.rows >= report.rowsNeeded;
  if (gone.length > 0 && enough && report.state !== DriftState.DRIFTED) {
    return { word: "missing values", kind: "danger", sentence: goneOf(gone) };
  }
  switch (report.state) {
    case DriftState.DRIFTED: {
      const also = gone.length > 0 ? ` ${goneOf(gone)}` : "";
      return { word: "drifted", kind: "danger", sentence: driftedOf(report) + also };
    }
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

function goneOf(gone: readonly FeatureDrift[]): string {
  const [first] = gone;
  if (gone.length > 1 || !first) {
    return `${counted(gone.length, "feature")} are missing in many more rows than in training.`;
  }
  return `${first.feature} is missing in many more rows than in training.`;
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

/** The features: those gone missing, then those that differ the most, then those not known. */
export function byPsi<T extends Pick<FeatureDrift, "divergence"> & Missing>(
  features: readonly T[],
): T[] {
  const of = (f: T): number =>
    goneMissing(f) ? Number.POSITIVE_INFINITY : (f.divergence?.psi ?? -1);
  return features
    .map((feature, i) => ({ feature, i }))
    .sort((a, b) => (of(a.feature) === of(b.feature) ? a.i - b.i : of(b.feature) - of(a.feature)))
    .map(({ feature }) => feature);
}
