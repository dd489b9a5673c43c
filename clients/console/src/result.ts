import { arrangeScores, probabilityBar, type Score } from "./bars.js";
import { h, setText } from "./dom.js";
import { percent } from "./format.js";

/** How many classes have a bar of their own. */
const MOST_CLASSES = 10;

/** What the result shows of a prediction. */
export interface Prediction {
  prediction: string;
  confidence: number;
  scores: readonly Score[];
  modelVersion: string;
  /** Which variant of the rollout answered; empty: a version was asked for. */
  variant: string;
}

/** The predicted class, how sure the model is, and the probability of every class. */
export interface ResultView {
  element: HTMLElement;
  show(prediction: Prediction): void;
  /** Marks what is shown as no longer the answer to what the form holds. */
  setStale(stale: boolean): void;
}

export function createResult(classes: readonly string[]): ResultView {
  const name = h("output", { class: "prediction" }, "…");
  const confidence = h("span", { class: "confidence" });
  const list = h("ul", { class: "scores", "aria-label": "Probability of each class" });
  const answered = h("p", { class: "answered" });
  const stale = h("p", { class: "stale-note" });
  const element = h(
    "section",
    { class: "card result", id: "prediction", tabindex: -1, "aria-labelledby": "result-title" },
    h("h2", { id: "result-title" }, "Prediction"),
    h(
      "p",
      { class: "answer", "aria-live": "polite", "aria-atomic": "true" },
      name,
      " ",
      confidence,
    ),
    list,
    answered,
    stale,
  );
  let rows = new Map<string, Row>();
  return {
    element,
    show: (prediction) => {
      setText(name, prediction.prediction);
      setText(confidence, `${percent(prediction.confidence)} sure`);
      rows = showScores(list, rows, prediction, classes);
      const { variant, modelVersion } = prediction;
      setText(answered, variant === "" ? "" : `Answered by ${variant}, ${modelVersion}.`);
    },
    setStale: (is) => {
      setText(stale, is ? "This answers the last complete values." : "");
    },
  };
}

interface Row {
  element: HTMLElement;
  update(probability: number, best: boolean): void;
}

/** Reuses the rows of classes that had one, so that their bars move instead of jumping. */
function showScores(
  list: HTMLElement,
  before: Map<string, Row>,
  { prediction, scores }: Prediction,
  classes: readonly string[],
): Map<string, Row> {
  const { rows, others } = arrangeScores(scores, classes, MOST_CLASSES);
  const after = new Map<string, Row>();
  for (const score of rows) {
    const row = before.get(score.class) ?? createRow(score.class);
    row.update(score.probability, score.class === prediction);
    after.set(score.class, row);
  }
  const elements = [...after.values()].map((row) => row.element);
  if (others.count > 0) {
    const rest = createRow(`${others.count} others`);
    rest.update(others.probability, false);
    elements.push(rest.element);
  }
  if (elements.some((element, i) => list.children[i] !== element))
    list.replaceChildren(...elements);
  while (list.children.length > elements.length) list.lastElementChild?.remove();
  return after;
}

function createRow(name: string): Row {
  const bar = h("span", { class: "bar" });
  const value = h("span", { class: "value" });
  const element = h(
    "li",
    { class: "score" },
    h("span", { class: "name" }, name),
    h("span", { class: "track", "aria-hidden": "true" }, bar),
    value,
  );
  return {
    element,
    update: (probability, best) => {
      bar.style.setProperty("width", `${probabilityBar(probability).width}%`);
      setText(value, percent(probability));
      element.classList.toggle("best", best);
    },
  };
}
