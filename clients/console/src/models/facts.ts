import {
  type ModelVersion,
  type ShadowAgreement,
  type TrainingReport,
  VersionState,
} from "@sepal-ml/client";
import { grouped, percent } from "../format.js";

/** The best evidence of quality that a training report holds, in words. */
export interface Evidence {
  accuracy: string;
  logLoss: string;
  /** Where the numbers are from: "5-fold cross-validation". */
  basis: string;
}

/** Reads the evidence out of a report; undefined where it has none. */
export function evidenceOf(report: TrainingReport | undefined): Evidence | undefined {
  const { crossValidation, holdOut } = report ?? {};
  if (crossValidation) {
    const { accuracyMean, logLossMean, folds } = crossValidation;
    const basis = `${folds}-fold cross-validation`;
    return { accuracy: percent(accuracyMean), logLoss: nats(logLossMean), basis };
  }
  if (holdOut) {
    const { accuracy, logLoss, rows } = holdOut;
    const basis = `${grouped(rows)} rows held out`;
    return { accuracy: percent(accuracy), logLoss: nats(logLoss), basis };
  }
  return undefined;
}

function nats(value: number): string {
  return value > 0 && value < 0.0005 ? "<0.001" : value.toFixed(3);
}

/** Writes a size: "912 B", "4.2 kB", "1.3 MB". */
export function fileSize(bytes: number): string {
  if (bytes < 1000) return `${bytes} B`;
  if (bytes < 999_950) return `${(bytes / 1000).toFixed(1)} kB`;
  return `${(bytes / 1e6).toFixed(1)} MB`;
}

/** How many characters of a digest tell versions apart at a glance. */
const SHORT_DIGEST = 12;

/** The beginning of a digest. */
export function shortDigest(digest: string): string {
  return digest.slice(0, SHORT_DIGEST);
}

/** Says how a shadow agrees with what answered. */
export function agreementLine(agreement: ShadowAgreement): string {
  const { version, rows, agreed, failed, meanDifference } = agreement;
  const failures = failed > 0n ? ` It could not score ${grouped(Number(failed))}.` : "";
  if (rows === 0n) return `No row of ${version} compared yet.${failures}`;
  const share = percent(Number(agreed) / Number(rows));
  return (
    `Agrees with ${version} on ${share} of ${grouped(Number(rows))} ${rows === 1n ? "row" : "rows"}; ` +
    `probabilities differ by ${difference(meanDifference)} on average.${failures}`
  );
}

function difference(value: number): string {
  if (value === 0) return "0";
  return value < 0.0001 ? "less than 0.0001" : value.toFixed(4);
}

/** Whether a version can be put to work. */
export function isLoaded({ state }: Pick<ModelVersion, "state">): boolean {
  return state === VersionState.LOADED;
}
