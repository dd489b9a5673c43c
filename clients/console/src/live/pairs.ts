import { h, setText } from "../dom.js";
import { percent } from "../format.js";
import { pairsOf } from "./shares.js";

/** How many categories or classes have bars of their own. */
const MOST_PAIRS = 8;

/** Bars side by side: the share of each category or class now, and in training. */
export interface PairChart {
  element: HTMLElement;
  show(names: readonly string[], references: readonly number[], shares: readonly number[]): void;
}

interface Row {
  element: HTMLElement;
  update(reference: number, now: number): void;
}

/**
 * @param label - what the bars are of.
 * @param what - what there are more of than have bars: "classes".
 */
export function createPairs(label: string, what: string): PairChart {
  const list = h("ul", { class: "pairs", "aria-label": label });
  const rest = h("p", { class: "hint" });
  const rows = new Map<string, Row>();
  return {
    element: h("div", {}, list, rest),
    show: (names, references, shares) => {
      const { pairs, left } = pairsOf(names, references, shares, MOST_PAIRS);
      const elements = pairs.map(({ name, reference, now }) => {
        const row = rows.get(name) ?? createRow(name);
        rows.set(name, row);
        row.update(reference, now);
        return row.element;
      });
      const same = elements.every((element, i) => list.children[i] === element);
      if (!same || list.children.length !== elements.length) list.replaceChildren(...elements);
      setText(rest, left > 0 ? `${left} other ${what} differ less.` : "");
    },
  };
}

function createRow(name: string): Row {
  const [now, reference] = [h("span", { class: "bar now" }), h("span", { class: "bar then" })];
  const [nowText, thenText] = [h("strong"), h("span")];
  const tracks = h("span", { class: "tracks", "aria-hidden": "true" }, now, reference);
  const value = h(
    "span",
    { class: "value" },
    nowText,
    " ",
    h("span", { class: "detail" }, thenText),
  );
  return {
    element: h("li", { class: "pair" }, h("bdi", { class: "name" }, name), tracks, value),
    update: (then, is) => {
      now.style.setProperty("width", `${Math.min(1, is) * 100}%`);
      reference.style.setProperty("width", `${Math.min(1, then) * 100}%`);
      setText(nowText, percent(is));
      setText(thenText, `was ${percent(then)}`);
    },
  };
}
