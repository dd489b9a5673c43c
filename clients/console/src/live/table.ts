import { h } from "../dom.js";
import { grouped } from "../format.js";
import { clock, NONE, rate, shareText, took } from "./figures.js";
import type { Series } from "./series.js";

const HEADINGS = [
  "Until",
  "Requests/s",
  "Predictions/s",
  "p50",
  "p90",
  "p99",
  "Refused",
  "Failed",
  "Confidence",
  "Unsure",
];

/** The charts' numbers as a table, the newest first; filled only while it is open. */
export function createTable(): { element: HTMLElement; show(series: Series): void } {
  const body = h("tbody");
  const table = h(
    "table",
    { class: "numbers" },
    h("caption", {}, "Every step, the newest first"),
    h("thead", {}, h("tr", {}, ...HEADINGS.map((text) => h("th", { scope: "col" }, text)))),
    body,
  );
  const scroll = { class: "scroll", tabindex: 0, role: "region", "aria-label": "Every step" };
  const element = h(
    "details",
    { class: "more" },
    h("summary", {}, "All numbers as a table"),
    h("div", scroll, table),
  );
  let shown: Series | undefined;
  const fill = (): void => {
    if (element.open && shown) body.replaceChildren(...rowsOf(shown).map(rowOf));
  };
  element.addEventListener("toggle", fill);
  return {
    element,
    show: (series) => {
      shown = series;
      fill();
    },
  };
}

function rowOf([first = "", ...others]: string[]): HTMLElement {
  return h("tr", {}, h("th", { scope: "row" }, first), ...others.map((text) => h("td", {}, text)));
}

/** The rows of the table as texts, the newest first. */
export function rowsOf(series: Series): string[][] {
  const latency = (seconds: number | undefined) => (seconds === undefined ? NONE : took(seconds));
  return series.ends
    .map((end, i) => [
      clock(end),
      rate(series.requests[i] ?? 0),
      rate(series.predictions[i] ?? 0),
      latency(series.p50[i]),
      latency(series.p90[i]),
      latency(series.p99[i]),
      grouped(series.refused[i] ?? 0),
      grouped(series.failed[i] ?? 0),
      shareText(series.confidence[i]),
      shareText(series.unsure[i]),
    ])
    .reverse();
}
