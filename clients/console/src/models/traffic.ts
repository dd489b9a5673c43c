import type { Rollout } from "@sepal-ml/client";
import { h } from "../dom.js";
import { actionButton, badge, Part, textButton } from "../parts.js";
import { agreementLine, isLoaded } from "./facts.js";
import { previousRollout } from "./history.js";
import { darkLaunches, type Segment, segmentsOf, variantName } from "./rollout.js";
import type { Snapshot } from "./snapshot.js";
import { share } from "./weights.js";

/** What people can do about the traffic. */
export interface TrafficEvents {
  split(version: string): void;
  rollBack(): void;
  takeAway(variant: string): void;
  shadow(version: string, on: boolean): void;
}

/** How many colours parts of the bar have, in turn. */
const COLOURS = 3;

/** Why there are no buttons. The server does not say whether its registry can be written to. */
const NOTHING_TO_DO =
  "No other version is loaded, so there is nothing to split or promote. The built-in model and " +
  "a single model file are read-only: versions are published to a folder or a bucket (MODEL_PATH).";

/** Which versions answer which share of the requests, and what runs beside them. */
export function createTraffic(events: TrafficEvents): {
  element: HTMLElement;
  show(snapshot: Snapshot): void;
} {
  const part = new Part(h("section", { class: "card", "aria-labelledby": "traffic-title" }));
  return {
    element: part.element,
    show: ({ rollout, agreements, versions, events: past }) => {
      const undoable = previousRollout(past, rollout) !== undefined;
      const divisible = versions.some((v) => isLoaded(v) && v.version !== rollout.stable);
      const untouched = !undoable && !divisible && past.length === 0;
      part.show([rollout, agreements, undoable, divisible, untouched], () => [
        h("h2", { id: "traffic-title" }, "Traffic"),
        ...pinnedNote(rollout.pinned),
        ...sharesOf(rollout, events),
        ...darkList(rollout, events),
        ...shadowList(rollout.shadows, agreements, events),
        ...labelList(rollout.labels),
        h(
          "div",
          { class: "buttons" },
          ...(divisible ? [textButton("Split traffic", () => events.split(""))] : []),
          ...(undoable ? [textButton("Roll back", events.rollBack)] : []),
        ),
        revisionNote(rollout),
        ...(untouched ? [h("p", { class: "note" }, NOTHING_TO_DO)] : []),
      ]);
    },
  };
}

function pinnedNote(pinned: string): HTMLElement[] {
  if (pinned === "") return [];
  const text = `This server was started for ${pinned} alone (MODEL_VERSION): it answers whatever the rollout below says.`;
  return [h("p", { class: "warning" }, text)];
}

function revisionNote({ revision, stable }: Rollout): HTMLElement {
  let text = `Set by change #${revision} of the history.`;
  if (revision === 0) {
    text =
      stable === ""
        ? "Nobody set this, and there is no version that could be stable."
        : "Nobody set this: the newest release is the stable version.";
  }
  return h("p", { class: "note" }, text);
}

function sharesOf(rollout: Rollout, events: TrafficEvents): HTMLElement[] {
  const segments = segmentsOf(rollout);
  const nobody =
    rollout.stable === ""
      ? [h("p", { class: "error" }, "No version can answer: requests that name none fail.")]
      : [];
  if (segments.length === 0) return nobody;
  return [...nobody, barOf(segments), legendOf(segments, events)];
}

function barOf(segments: readonly Segment[]): HTMLElement {
  const said = segments.map((s) => `${s.name} ${s.version} ${share(s.weight)}`).join(", ");
  const bar = h("div", { class: "track split", role: "img", "aria-label": said });
  for (const [i, { left, width }] of segments.entries()) {
    const part = h("span", { class: `bar part-${i % COLOURS}` });
    part.style.setProperty("left", `${left}%`);
    part.style.setProperty("width", `${width}%`);
    bar.append(part);
  }
  return bar;
}

function legendOf(segments: readonly Segment[], events: TrafficEvents): HTMLElement {
  const rows = segments.map(({ name, version, weight }, i) => {
    const called = name === version ? [] : [h("code", {}, version)];
    return h(
      "li",
      {},
      h("span", { class: `swatch part-${i % COLOURS}`, "aria-hidden": "true" }),
      h("span", { class: "what" }, h("strong", {}, name), " ", ...called),
      h("span", { class: "value" }, share(weight)),
      ...(name === "stable" ? [] : [variantButtons(name, version, events)]),
    );
  });
  return h("ul", { class: "legend" }, ...rows);
}

function variantButtons(name: string, version: string, events: TrafficEvents): HTMLElement {
  return h(
    "span",
    { class: "buttons" },
    actionButton("Change", name, () => events.split(version)),
    actionButton("Take away", name, () => events.takeAway(name)),
  );
}

function darkList(rollout: Rollout, events: TrafficEvents): HTMLElement[] {
  const rows = darkLaunches(rollout).map((variant) => {
    const name = variantName(variant);
    const called = name === variant.version ? [] : [h("code", {}, variant.version)];
    return h(
      "li",
      {},
      h("span", { class: "what" }, h("strong", {}, name), " ", ...called),
      h("span", { class: "value" }, share(0)),
      variantButtons(name, variant.version, events),
    );
  });
  return titled("Dark launches", "They answer only those who name their version.", rows);
}

function shadowList(
  shadows: readonly string[],
  agreements: Snapshot["agreements"],
  events: TrafficEvents,
): HTMLElement[] {
  const rows = shadows.map((version) => {
    const lines = agreements
      .filter(({ shadow, rows, failed }) => shadow === version && rows + failed > 0n)
      .map(agreementLine);
    if (lines.length === 0) lines.push("Nothing compared yet.");
    return h(
      "li",
      {},
      h(
        "span",
        { class: "what" },
        h("strong", {}, version),
        ...lines.map((line) => h("span", { class: "agreement" }, line)),
      ),
      h(
        "span",
        { class: "buttons" },
        actionButton("Stop", `the shadow ${version}`, () => events.shadow(version, false)),
      ),
    );
  });
  return titled("Shadows", "They are scored and compared, and never answer.", rows);
}

function labelList(labels: Rollout["labels"]): HTMLElement[] {
  const rows = Object.entries(labels)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([label, version]) =>
      h("li", {}, h("span", { class: "what" }, badge(label), " ", h("code", {}, version))),
    );
  return titled("Labels", "Requests may name them in place of a version.", rows);
}

function titled(title: string, hint: string, rows: readonly HTMLElement[]): HTMLElement[] {
  if (rows.length === 0) return [];
  return [
    h("h3", {}, title),
    h("p", { class: "hint" }, hint),
    h("ul", { class: "legend" }, ...rows),
  ];
}
