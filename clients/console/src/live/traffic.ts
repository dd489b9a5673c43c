import type { Activity } from "@sepal-ml/client";
import { h, setText } from "../dom.js";
import { percent } from "../format.js";
import { byPowersOfTen, fromZero, holding, ofShares } from "./axis.js";
import { createChart, type Plot } from "./chart.js";
import { clock, rate, span, took } from "./figures.js";
import { type Series, seriesOf, sum } from "./series.js";
import { createTable } from "./table.js";

/** The charts, in their order. */
const PLOTS: readonly Plot[] = [
  {
    title: "Requests per second",
    curves: [{ name: "", colour: "hue-0", kind: "area", values: (s) => s.requests, text: rate }],
    axis: (s) => holding([s.requests], rate),
  },
  {
    title: "Predictions per second",
    curves: [{ name: "", colour: "hue-0", kind: "area", values: (s) => s.predictions, text: rate }],
    axis: (s) => holding([s.predictions], rate),
  },
  {
    title: "Latency, log scale",
    curves: [
      { name: "p50", colour: "hue-2", kind: "line", values: (s) => s.p50, text: took },
      { name: "p90", colour: "hue-0", kind: "line", values: (s) => s.p90, text: took },
      { name: "p99", colour: "hue-1", kind: "line", values: (s) => s.p99, text: took },
    ],
    axis: (s) => byPowersOfTen([s.p50, s.p90, s.p99], took),
  },
  {
    title: "Requests refused and failed",
    curves: [
      {
        name: "refused",
        colour: "hue-1",
        kind: "bars",
        values: (s) => s.refused,
        text: rate,
        summary: (s) => rate(sum(s.refused)),
      },
      {
        name: "failed",
        colour: "bad",
        kind: "bars",
        values: (s) => s.failed,
        text: rate,
        summary: (s) => rate(sum(s.failed)),
      },
    ],
    axis: (s) => holding([s.refused.map((refused, i) => refused + (s.failed[i] ?? 0))], rate),
  },
  {
    title: "Mean confidence",
    curves: [
      { name: "", colour: "hue-0", kind: "line", values: (s) => s.confidence, text: percent },
    ],
    axis: () => fromZero(1, percent),
  },
  {
    title: "Unsure predictions",
    curves: [{ name: "", colour: "hue-1", kind: "area", values: (s) => s.unsure, text: percent }],
    axis: (s) => ofShares(s.unsure, percent),
  },
];

/** How many requests there are, how fast they are answered, and how sure the answers are. */
export function createTraffic(): { element: HTMLElement; show(activity: Activity): void } {
  const hint = h("p", { class: "hint" });
  const moment = h("span", { class: "moment", "aria-hidden": "true" });
  const unsure = h("p", { class: "note" });
  const table = createTable();
  let series: Series | undefined;
  const point = (step: number | undefined): void => {
    for (const chart of charts) chart.point(step);
    const end = step === undefined ? undefined : series?.ends[step];
    setText(moment, end === undefined ? "" : `until ${clock(end)}`);
  };
  const charts = PLOTS.map((plot) => createChart(plot, point));
  const element = h(
    "section",
    { class: "card", "aria-labelledby": "live-traffic-title" },
    h("div", { class: "live-head" }, h("h2", { id: "live-traffic-title" }, "Traffic"), moment),
    hint,
    h("div", { class: "charts" }, ...charts.map((chart) => chart.element)),
    unsure,
    table.element,
  );
  return {
    element,
    show: (activity) => {
      const next = seriesOf(activity);
      series = next;
      setText(hint, explanationOf(next));
      for (const chart of charts) chart.show(next);
      table.show(next);
      const threshold = percent(activity.confidenceThreshold);
      setText(
        unsure,
        `Unsure: the confidence, the predicted class's probability, is below ${threshold}.`,
      );
    },
  };
}

function explanationOf({ ends, slots, stepSeconds }: Series): string {
  const step = span(stepSeconds);
  if (ends.length === 0) return `The first ${step} have not ended yet.`;
  const all = span(slots * stepSeconds);
  return `The last ${all} in steps of ${step}; above each chart the last step, of refused and failed the sum.`;
}
