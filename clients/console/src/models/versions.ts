import type { ModelVersion, Rollout } from "@sepal-ml/client";
import { h, setText } from "../dom.js";
import { actionButton, badge, fact, moment, Part, textButton } from "../parts.js";
import { evidenceOf, fileSize, isLoaded, shortDigest } from "./facts.js";
import { rolesOf } from "./rollout.js";
import type { Snapshot } from "./snapshot.js";

/** What people can do about a version. */
export interface VersionEvents {
  promote(version: string): void;
  split(version: string): void;
  shadow(version: string, on: boolean): void;
  /** They want to see older ones too. */
  more(): void;
}

/** How long a button says that it has copied. */
const CONFIRM_MS = 2000;

/** The versions of a model, the newest first. */
export function createVersions(events: VersionEvents): {
  element: HTMLElement;
  show(snapshot: Snapshot): void;
} {
  const part = new Part(h("section", { class: "card", "aria-labelledby": "versions-title" }));
  return {
    element: part.element,
    show: ({ versions, rollout, moreVersions }) => {
      part.show([versions, rollout, moreVersions], () => [
        h("h2", { id: "versions-title" }, "Versions"),
        h("ul", { class: "entries" }, ...versions.map((v) => entryOf(v, rollout, events))),
        ...(moreVersions ? [textButton("Show older versions", events.more)] : []),
      ]);
    },
  };
}

function entryOf(version: ModelVersion, rollout: Rollout, events: VersionEvents): HTMLElement {
  const loaded = isLoaded(version);
  const roles = rolesOf(rollout, version.version);
  const head = h(
    "div",
    { class: "entry-head" },
    h("h3", {}, h("code", {}, version.version)),
    ...roles.map((role) => badge(role, role === "stable" ? "strong" : "")),
    loaded ? badge("loaded") : badge("failed", "danger"),
  );
  const entry = h("li", { class: "entry", "data-version": version.version }, head);
  if (version.reason !== "") {
    entry.append(h("p", { class: loaded ? "warning" : "error" }, version.reason));
  }
  const facts = factsOf(version);
  if (facts.length > 0) entry.append(h("dl", { class: "facts" }, ...facts));
  const buttons = loaded ? buttonsOf(version.version, rollout, events) : [];
  if (buttons.length > 0) entry.append(h("div", { class: "buttons" }, ...buttons));
  return entry;
}

function factsOf({ training, digest, modifiedTime, sizeBytes }: ModelVersion): HTMLElement[] {
  const evidence = evidenceOf(training);
  const facts = evidence
    ? [
        fact("Accuracy", `${evidence.accuracy} `, h("span", { class: "detail" }, evidence.basis)),
        fact("Log-loss", `${evidence.logLoss} nats`),
      ]
    : [];
  if (digest !== "") facts.push(fact("SHA-256", digestButton(digest)));
  if (modifiedTime) facts.push(fact("Written", moment(modifiedTime)));
  if (sizeBytes > 0) facts.push(fact("Size", fileSize(sizeBytes)));
  return facts;
}

function digestButton(digest: string): HTMLElement {
  const short = `${shortDigest(digest)}…`;
  const button = h(
    "button",
    { type: "button", class: "digest", title: digest, "data-focus": `digest ${digest}` },
    h("code", {}, short),
    h("span", { class: "told", "aria-live": "polite" }, "copy"),
  );
  button.setAttribute("aria-label", `Copy the digest ${digest}`);
  button.addEventListener("click", async () => {
    const told = button.querySelector(".told");
    if (!told) return;
    try {
      await navigator.clipboard.writeText(digest);
      setText(told, "copied");
    } catch {
      // Browsers offer a clipboard on https and localhost only: there is the text to select.
      setText(button.querySelector("code") ?? button, digest);
      setText(told, "");
      return;
    }
    setTimeout(() => setText(told, "copy"), CONFIRM_MS);
  });
  return button;
}

function buttonsOf(version: string, rollout: Rollout, events: VersionEvents): HTMLElement[] {
  if (version === rollout.stable) return [];
  const shadowed = rollout.shadows.includes(version);
  return [
    actionButton("Promote", version, () => events.promote(version)),
    actionButton("Split", `to ${version}`, () => events.split(version)),
    actionButton(shadowed ? "Stop shadow" : "Shadow", version, () =>
      events.shadow(version, !shadowed),
    ),
  ];
}
