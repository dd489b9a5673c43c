import { h, setAttributes } from "../dom.js";
import {
  BIN_HEIGHT,
  BIN_WIDTH,
  binBars,
  binOutline,
  edgeTexts,
  labelledEdges,
  topOf,
} from "./bins.js";
import { setPath, svg } from "./svg.js";

/** How many edges have room below a histogram. */
const MOST_EDGES = 4;

/** The shares of the bins of a numeric feature: filled now, outlined those of training. */
export interface Histogram {
  element: HTMLElement;
  show(edges: readonly number[], references: readonly number[], shares: readonly number[]): void;
}

/** @param label - what it shows, for those who do not see it. */
export function createHistogram(label: string): Histogram {
  const drawing = svg("svg", { preserveAspectRatio: "none", role: "img", "aria-label": label });
  const [bars, outline] = [svg("path", { class: "fill" }), svg("path", { class: "outline" })];
  drawing.append(bars, outline);
  const edgeRow = h("p", { class: "edges", "aria-hidden": "true" });
  let labelled = "";
  return {
    element: h("div", { class: "histogram" }, drawing, edgeRow),
    show: (edges, references, shares) => {
      const width = Math.max(1, references.length) * BIN_WIDTH;
      setAttributes(drawing, { viewBox: `0 0 ${width} ${BIN_HEIGHT}` });
      const top = topOf(references, shares);
      setPath(bars, binBars(shares, top));
      setPath(outline, binOutline(references, top));
      if (labelled === edges.join()) return;
      labelled = edges.join();
      edgeRow.replaceChildren(...edgeLabels(edges));
    },
  };
}

function edgeLabels(edges: readonly number[]): HTMLElement[] {
  const texts = edgeTexts(edges);
  return labelledEdges(edges.length, MOST_EDGES).map((i) => {
    const label = h("span", {}, texts[i] ?? "");
    label.style.setProperty("left", `${((i + 1) / (edges.length + 1)) * 100}%`);
    return label;
  });
}
