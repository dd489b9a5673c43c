import type { Contribution, Explanation } from "@sepal-ml/client";
import { arrangeContributions, type Bar, signedBars } from "./bars.js";
import { h, setText } from "./dom.js";
import type { Field } from "./fields.js";
import { logits, quantity, signed, timesAsLikely } from "./format.js";

/** How many features have a bar of their own. */
const MOST_FEATURES = 12;

/** Why the model prefers the predicted class to the runner-up. */
export interface ExplanationView {
  element: HTMLElement;
  /** Shows the reason; without one the view hides itself. */
  show(explanation: Explanation | undefined): void;
}

/** @param trained - whether the model has a report of how Sepal trained it. */
export function createExplanation(fields: readonly Field[], trained: boolean): ExplanationView {
  const reference = trained ? "the mean training row" : "the model's reference row";
  const title = h("h2", { id: "why-title" });
  const lead = h("p", { class: "lead" });
  const axis = [h("span"), h("span")] as const;
  const list = h("ul", { class: "contributions" });
  const rows: Row[] = [];
  const sum = h("dl", { class: "sum" });
  const element = h(
    "section",
    { class: "card why", "aria-labelledby": "why-title", hidden: true },
    title,
    lead,
    h("div", { class: "axis", "aria-hidden": "true" }, h("p", {}, ...axis)),
    list,
    sum,
    h("p", { class: "note" }, `Margin: the log-odds. Baseline: the log-odds of ${reference}.`),
  );
  return {
    element,
    show: (explanation) => {
      element.hidden = explanation === undefined;
      if (!explanation) return;
      const best = explanation.class;
      const against = opponentOf(explanation);
      setText(title, `Why ${best} rather than ${against}`);
      setText(lead, leadOf(explanation, reference));
      setText(axis[0], `◂ ${against}`);
      setText(axis[1], `${best} ▸`);
      showLines(list, rows, linesOf(explanation, fields));
      sum.replaceChildren(...sumOf(explanation));
    },
  };
}

type Sides = Pick<Explanation, "class" | "against" | "margin">;

/** What the predicted class is compared with: the runner-up, or all other classes together. */
function opponentOf({ against }: Pick<Sides, "against">): string {
  return against || "the rest";
}

/**
 * Says what the bars are about. The margin of a model that was fitted one class against the rest
 * is no odds of the probabilities that are shown: those are weighed against each other.
 */
export function leadOf(sides: Sides, reference: string): string {
  const { class: best, against, margin } = sides;
  if (against === "") {
    return (
      `Fitted one class against the rest: these are the log-odds of the classifier of ${best} ` +
      "alone, before the classes are weighed against each other. Each bar is what a value adds " +
      `to them, compared with ${reference}.`
    );
  }
  return (
    `${best} is ${timesAsLikely(margin)} ${against}. Each bar is what a value adds to the ` +
    `log-odds between the two, compared with ${reference}.`
  );
}

function linesOf({ contributions }: Explanation, fields: readonly Field[]): Line[] {
  const { rows, others } = arrangeContributions(contributions, MOST_FEATURES);
  const lines = rows.map((c) => ({ ...lineOf(c, fields), value: c.contribution }));
  if (others.count > 0) {
    lines.push({ label: `${others.count} others`, detail: "", value: others.contribution });
  }
  return lines;
}

interface Line {
  label: string;
  detail: string;
  value: number;
}

function lineOf(contribution: Contribution, fields: readonly Field[]): Omit<Line, "value"> {
  const field = fields.find((f) => f.name === contribution.feature);
  const { value, imputed } = contribution;
  let detail = value.case === "category" ? value.value : "";
  if (value.case === "number") detail = quantity(value.value, field?.unit ?? "");
  if (imputed) detail += " (stand-in)";
  return { label: field?.label ?? contribution.feature, detail };
}

interface Row {
  element: HTMLElement;
  update(line: Line, bar: Bar): void;
}

/** Reuses rows, so that bars move instead of jumping. */
function showLines(list: HTMLElement, rows: Row[], lines: readonly Line[]): void {
  const bars = signedBars(lines.map((line) => line.value));
  for (const [i, line] of lines.entries()) {
    rows[i] ??= createRow();
    rows[i].update(line, bars[i] ?? { left: 50, width: 0 });
  }
  rows.length = lines.length;
  if (list.children.length !== rows.length) list.replaceChildren(...rows.map((r) => r.element));
}

function createRow(): Row {
  const label = h("span");
  const detail = h("span", { class: "detail" });
  const bar = h("span", { class: "bar" });
  const value = h("span", { class: "value" });
  const element = h(
    "li",
    { class: "contribution" },
    h("span", { class: "name" }, label, " ", detail),
    h("span", { class: "track", "aria-hidden": "true" }, bar),
    value,
  );
  return {
    element,
    update: (line, { left, width }) => {
      setText(label, line.label);
      setText(detail, line.detail);
      setText(value, signed(line.value));
      bar.className = `bar ${line.value < 0 ? "against" : "for"}`;
      bar.style.setProperty("left", `${left}%`);
      bar.style.setProperty("width", `${width}%`);
    },
  };
}

/** The sum that the bars are part of: baseline + bars = margin. */
function sumOf({ baseline, margin, contributions }: Explanation): HTMLElement[] {
  const bars = contributions.reduce((total, c) => total + c.contribution, 0);
  return [term("baseline", baseline), term("bars", bars), term("margin", margin)];
}

function term(name: string, value: number): HTMLElement {
  return h("div", {}, h("dt", {}, name), h("dd", {}, logits(value)));
}
