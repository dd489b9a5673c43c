import type { Rollout, RolloutEvent } from "@sepal-ml/client";
import { h } from "../dom.js";
import { actionButton, badge, moment, Part, textButton } from "../parts.js";
import { alike, eventActor, eventDetail, eventTitle, setsRollout } from "./history.js";
import type { Snapshot } from "./snapshot.js";

/** What people can do about the history. */
export interface HistoryEvents {
  bringBack(event: RolloutEvent): void;
  /** They want to see older events too. */
  more(): void;
}

/** Who changed what, when and why, the latest first. */
export function createHistory(events: HistoryEvents): {
  element: HTMLElement;
  show(snapshot: Snapshot): void;
} {
  const part = new Part(h("section", { class: "card", "aria-labelledby": "history-title" }));
  return {
    element: part.element,
    show: (snapshot) => {
      const { events: past, rollout, moreEvents } = snapshot;
      part.show([past, rollout, moreEvents], () => [
        h("h2", { id: "history-title" }, "History"),
        ...(past.length === 0 ? [h("p", { class: "hint" }, "Nobody changed anything yet.")] : []),
        h("ol", { class: "entries" }, ...past.map((event) => entryOf(event, rollout, events))),
        ...(moreEvents ? [textButton("Show older changes", events.more)] : []),
      ]);
    },
  };
}

function entryOf(event: RolloutEvent, present: Rollout, events: HistoryEvents): HTMLElement {
  const detail = eventDetail(event);
  const entry = h(
    "li",
    { class: "entry", "data-revision": event.revision },
    h(
      "div",
      { class: "entry-head" },
      h("h3", {}, `#${event.revision} ${eventTitle(event)}`),
      ...(event.revision === present.revision ? [badge("in force", "strong")] : []),
      ...(event.forced ? [badge("forced", "danger")] : []),
    ),
    ...(detail === "" ? [] : [h("p", { class: "summary-line" }, detail)]),
    ...(event.reason === "" ? [] : [h("p", { class: "reason" }, `“${event.reason}”`)]),
    ...breaksOf(event),
    h("p", { class: "hint" }, `${eventActor(event)} · `, moment(event.time)),
  );
  if (setsRollout(event) && event.rollout && !alike(event.rollout, present)) {
    const what = `the rollout of #${event.revision}`;
    const button = actionButton("Bring back", what, () => events.bringBack(event));
    entry.append(h("div", { class: "buttons" }, button));
  }
  return entry;
}

function breaksOf({ breaks }: RolloutEvent): HTMLElement[] {
  if (breaks.length === 0) return [];
  const rows = breaks.map(({ field, description }) =>
    h("li", {}, h("code", {}, field), `: ${description}`),
  );
  return [
    h("p", { class: "error" }, "It breaks the stable version's signature:"),
    h("ul", { class: "breaks" }, ...rows),
  ];
}
