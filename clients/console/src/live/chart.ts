import { h, setAttributes, setText } from "../dom.js";
import type { Axis } from "./axis.js";
import { clock } from "./figures.js";
import {
  areaPath,
  barPath,
  HEIGHT,
  linePath,
  middleOf,
  stepAt,
  type Values,
  WIDTH,
} from "./scale.js";
import { type Series, said } from "./series.js";
import { setPath, svg } from "./svg.js";

/** One series of a chart. */
export interface Curve {
  name: string;
  /** The class of its colour. */
  colour: string;
  kind: "line" | "area" | "bars";
  values(series: Series): Values;
  text(value: number): string;
  /** What the heading says while no step is pointed at. Default: the last value. */
  summary?(series: Series): string;
}

/** What a chart shows, whatever the numbers. */
export interface Plot {
  title: string;
  /** The bars of a chart stand on each other, in the order of the curves. */
  curves: readonly Curve[];
  axis(series: Series): Axis;
}

/** A small chart of the last minutes, with the newest numbers above it. */
export interface Chart {
  element: HTMLElement;
  show(series: Series): void;
  /** Points at a step, and tells its numbers in place of the newest; undefined: at none. */
  point(step: number | undefined): void;
}

/** @param pointed - is told which step the pointer is at; undefined: at none. */
export function createChart(plot: Plot, pointed: (step: number | undefined) => void): Chart {
  const drawing = svg("svg", {
    viewBox: `0 0 ${WIDTH} ${HEIGHT}`,
    preserveAspectRatio: "none",
    role: "img",
  });
  const half = { x1: 0, x2: WIDTH, y1: HEIGHT / 2, y2: HEIGHT / 2 };
  const cursor = svg("path", { class: "cursor" });
  drawing.append(svg("line", { class: "grid", ...half }));
  const curves = plot.curves.map((curve) => createCurve(curve, drawing));
  drawing.append(cursor);
  const top = h("span", { class: "end", "aria-hidden": "true" });
  const bottom = h("span", { class: "end bottom", "aria-hidden": "true" });
  const area = h("div", { class: "plot" }, drawing, top, bottom);
  const [from, until] = [h("span"), h("span")];
  const element = h(
    "figure",
    { class: "chart" },
    h("figcaption", {}, plot.title),
    h("p", { class: "readings" }, ...curves.map(({ label }) => label)),
    area,
    h("p", { class: "ends", "aria-hidden": "true" }, from, until),
  );
  let shown: Series | undefined;
  let at: number | undefined;
  const tell = (): void => {
    const count = shown?.ends.length ?? 0;
    const step = at !== undefined && at < count ? at : undefined;
    for (const curve of curves) if (shown) curve.tell(shown, step);
    const x = step === undefined ? "" : middleOf(step, count, shown?.slots ?? 1);
    setPath(cursor, step === undefined ? "" : `M${x} 0V${HEIGHT}`);
  };
  area.addEventListener("pointermove", (event) => {
    const { left, width } = area.getBoundingClientRect();
    const x = ((event.clientX - left) / width) * WIDTH;
    pointed(shown && stepAt(x, shown.ends.length, shown.slots));
  });
  for (const leaving of ["pointerleave", "pointercancel"]) {
    area.addEventListener(leaving, () => pointed(undefined));
  }
  return {
    element,
    show: (series) => {
      shown = series;
      const axis = plot.axis(series);
      setText(top, axis.topText);
      setText(bottom, axis.bottomText);
      drawCurves(curves, series, axis);
      const last = series.ends.at(-1);
      setText(from, last ? clock(last - series.slots * series.stepSeconds * 1000) : "");
      setText(until, last ? clock(last) : "");
      setAttributes(drawing, { "aria-label": labelOf(plot, series) });
      tell();
    },
    point: (step) => {
      at = step;
      tell();
    },
  };
}

interface Drawn {
  curve: Curve;
  label: HTMLElement;
  line: SVGElement;
  area: SVGElement | undefined;
  tell(series: Series, step: number | undefined): void;
}

function createCurve(curve: Curve, drawing: SVGElement): Drawn {
  const area = curve.kind === "area" ? svg("path", { class: `area ${curve.colour}` }) : undefined;
  const line = svg("path", {
    class: `${curve.kind === "bars" ? "bars" : "line"} ${curve.colour}`,
  });
  drawing.append(...(area ? [area] : []), line);
  const value = h("strong");
  const name =
    curve.name === "" ? [] : [h("span", { class: `swatch ${curve.colour}` }), curve.name];
  return {
    curve,
    label: h("span", { class: "reading" }, ...name, " ", value),
    line,
    area,
    tell: (series, step) => {
      const values = curve.values(series);
      const newest = values.at(step ?? -1);
      const text = newest === undefined ? "–" : curve.text(newest);
      setText(value, step === undefined && curve.summary ? curve.summary(series) : text);
    },
  };
}

function drawCurves(curves: readonly Drawn[], series: Series, axis: Axis): void {
  const { slots } = series;
  let under: number[] = [];
  for (const { curve, line, area } of curves) {
    const places = curve
      .values(series)
      .map((value) => (value === undefined ? undefined : axis.place(value)));
    if (curve.kind === "bars") {
      setPath(line, barPath(places, under, 1, slots));
      under = places.map((place, i) => (place ?? 0) + (under[i] ?? 0));
      continue;
    }
    setPath(line, linePath(places, 1, slots));
    if (area) setPath(area, areaPath(places, 1, slots));
  }
}

function labelOf({ title, curves }: Plot, series: Series): string {
  const last = series.ends.at(-1);
  const when = last === undefined ? "" : `, until ${clock(last)}`;
  const parts = curves.map(
    ({ name, values, text }) => `${name === "" ? "" : `${name} `}${said(values(series), text)}`,
  );
  return `${title}${when}: ${parts.join("; ")}`;
}
