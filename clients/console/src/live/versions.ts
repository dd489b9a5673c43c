import type { Activity, VersionActivity } from "@sepal-ml/client";
import { h } from "../dom.js";
import { grouped, percent } from "../format.js";
import { badge, Part, textButton } from "../parts.js";
import { NONE, shareText } from "./figures.js";
import { type Share, sharesOf } from "./shares.js";

/** How many versions are listed until more are asked for. */
const MOST_ROWS = 30;

/** How many classes of a version have a colour of their own. */
const MOST_CLASSES = 5;

/** What each version answered over the time of the charts, as which variant. */
export function createVersions(): { element: HTMLElement; show(activity: Activity): void } {
  const part = new Part(h("section", { class: "card", "aria-labelledby": "live-versions-title" }));
  let all = false;
  let last: Activity | undefined;
  const show = (activity: Activity): void => {
    last = activity;
    const { versions } = activity;
    part.show([versions, all], () => [
      h("h2", { id: "live-versions-title" }, "Answers by version"),
      h("p", { class: "hint" }, "Over the time of the charts above; live versions are listed too."),
      ...listOf(all ? versions : versions.slice(0, MOST_ROWS)),
      ...(all || versions.length <= MOST_ROWS ? [] : [moreButton(versions.length)]),
    ]);
  };
  const moreButton = (count: number): HTMLElement =>
    textButton(`Show all ${grouped(count)}`, () => {
      all = true;
      if (last) show(last);
    });
  return { element: part.element, show };
}

function listOf(versions: readonly VersionActivity[]): HTMLElement[] {
  if (versions.length === 0) return [h("p", { class: "hint" }, "No version is live.")];
  // The roles stand out loud, since style sheets that lay cells out anew take them away.
  const heading = (text: string) => h("th", { scope: "col", role: "columnheader" }, text);
  const headings = ["Version", "Predictions", "Classes", "Confidence", "Unsure"].map(heading);
  return [
    h(
      "table",
      { class: "by-version", role: "table", "aria-labelledby": "live-versions-title" },
      h("thead", { role: "rowgroup" }, h("tr", { role: "row" }, ...headings)),
      h("tbody", { role: "rowgroup" }, ...versions.map(rowOf)),
    ),
  ];
}

function rowOf(activity: VersionActivity): HTMLElement {
  const { model, version, variant, predictions, classes, classCounts } = activity;
  const rows = Number(predictions);
  const shares = sharesOf(classes, classCounts, MOST_CLASSES);
  const answered = rows > 0;
  return h(
    "tr",
    { role: "row" },
    h(
      "th",
      { scope: "row", role: "rowheader" },
      h("bdi", {}, model),
      " ",
      h("code", {}, h("bdi", {}, version)),
      " ",
      variant === "" ? badge("by name") : variantBadge(variant),
    ),
    cell("Predictions", "figure", grouped(rows)),
    cell(
      "Classes",
      shares.length > 0 ? "classes" : "classes none",
      ...(shares.length > 0 ? [classBar(shares), legendOf(shares)] : [NONE]),
    ),
    cell("Confidence", "figure", answered ? percent(activity.meanConfidence) : NONE),
    cell(
      "Unsure",
      "figure",
      shareText(answered ? Number(activity.lowConfidence) / rows : undefined),
    ),
  );
}

function variantBadge(variant: string): HTMLElement {
  const element = badge("", variant === "stable" ? "strong" : "");
  element.append(h("bdi", {}, variant));
  return element;
}

function cell(label: string, kind: string, ...children: (Node | string)[]): HTMLElement {
  return h("td", { role: "cell", class: kind, "data-label": label }, ...children);
}

function classBar(shares: readonly Share[]): HTMLElement {
  const bar = h("div", { class: "track split", "aria-hidden": "true" });
  let left = 0;
  for (const [i, { share }] of shares.entries()) {
    const part = h("span", { class: `bar hue-${i}` });
    part.style.setProperty("left", `${left * 100}%`);
    part.style.setProperty("width", `${share * 100}%`);
    bar.append(part);
    left += share;
  }
  return bar;
}

function legendOf(shares: readonly Share[]): HTMLElement {
  const items = shares.map(({ name, share }, i) =>
    h(
      "li",
      {},
      h("span", { class: `swatch hue-${i}`, "aria-hidden": "true" }),
      h("bdi", {}, name),
      " ",
      h("span", { class: "value" }, percent(share)),
    ),
  );
  return h("ul", { class: "keys" }, ...items);
}
