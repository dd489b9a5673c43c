import type { ModelVersion, TrainingReport } from "@sepal-ml/client";
import { h } from "./dom.js";
import { either, grouped, percent } from "./format.js";

/** More classes than these are counted, not named. */
const MOST_NAMES = 8;

/** Says which model the page is about, and how good it is known to be. */
export function heading({ model, version, classes, signature, training }: ModelVersion): Node[] {
  const count = signature?.features.length ?? 0;
  const from = count === 1 ? "one feature" : `${count} features`;
  const into =
    classes.length > MOST_NAMES ? `one of ${grouped(classes.length)} classes` : either(classes);
  const record = training ? ` ${trackRecord(training)}` : "";
  return [
    h("h1", {}, model, " ", h("span", { class: "version" }, version)),
    h("p", { class: "about" }, `Predicts ${into} from ${from}.${record}`),
  ];
}

/** The best evidence of quality that the training report holds. */
export function trackRecord({ rows, holdOut, crossValidation }: TrainingReport): string {
  const trained = `Trained on ${grouped(rows)} rows`;
  if (crossValidation) {
    const { accuracyMean, folds } = crossValidation;
    return `${trained}, ${percent(accuracyMean)} right in ${folds}-fold cross-validation.`;
  }
  if (holdOut) {
    return `${trained}, ${percent(holdOut.accuracy)} right on ${grouped(holdOut.rows)} held out.`;
  }
  return `${trained}.`;
}
