import type { Rollout } from "@sepal-ml/client";
import { h, setAttributes, setText } from "../dom.js";
import { sharesOf } from "./changes.js";
import { IdOf } from "./identity.js";
import type { SignatureWarning } from "./signature.js";
import { share } from "./weights.js";

/** What would be done as the dialog's fields stand, or why that cannot be. */
export type Proposal =
  | {
      ok: true;
      /** What will happen, in sentences. */
      words: string[];
      /** What callers may trip over. */
      warnings: SignatureWarning[];
      before: Rollout;
      /** Unset where only the server knows it. */
      after?: Rollout;
      /** Whether there is anything to do. */
      changes: boolean;
    }
  | { ok: false; problem: string };

/** Who does it and why, and the id that makes it happen once. */
export interface Signature {
  actor: string;
  reason: string;
  requestId: string;
}

/** A change that the dialog asks people to confirm. */
export interface Action {
  title: string;
  /** What the button that does it says. */
  verb: string;
  /** Inputs of its own, with their labels. */
  fields: HTMLElement[];
  read(): Proposal;
  /** Does it. */
  send(proposal: Proposal & { ok: true }, by: Signature): Promise<void>;
  /** Says why it was refused, once it was. */
  explain(error: unknown): Promise<string>;
}

/** Asks people to confirm changes, one at a time. */
export interface Dialog {
  /** Resolves once the dialog is closed, however that came about. */
  ask(action: Action): Promise<void>;
  /** Takes over what changed on the server while the dialog is open. */
  refresh(): void;
}

/** What a name and a reason may be long: at most three bytes per character of JavaScript. */
const NAME_LENGTH = 85;
const REASON_LENGTH = 340;

/** Makes the dialog at a place of the page. It remembers the name of who confirms, and no more. */
export function createDialog(place: HTMLElement): Dialog {
  let name = "";
  let refresh = (): void => undefined;
  return {
    refresh: () => refresh(),
    ask: (action) =>
      new Promise((resolve) => {
        const open = openDialog(action, name);
        refresh = open.show;
        place.replaceChildren(open.element);
        open.element.addEventListener("close", () => {
          name = open.name();
          refresh = () => undefined;
          place.replaceChildren();
          resolve();
        });
        open.show();
        open.element.showModal();
      }),
  };
}

function openDialog(action: Action, name: string) {
  const preview = h("div", { class: "preview", "aria-live": "polite" });
  const actor = textInput("dialog-name", "Your name", NAME_LENGTH, name);
  const reason = textInput("dialog-reason", "Reason", REASON_LENGTH, "");
  const refused = h("p", { class: "error", role: "alert" });
  const cancel = h("button", { type: "button" }, "Cancel");
  const confirm = h("button", { type: "submit", class: "primary" }, action.verb);
  const form = h(
    "form",
    { novalidate: true },
    h("h2", { id: "dialog-title" }, action.title),
    ...action.fields,
    preview,
    reason.element,
    actor.element,
    refused,
    h("div", { class: "buttons" }, cancel, confirm),
  );
  const element = h("dialog", { "aria-labelledby": "dialog-title" }, form);
  const ids = new IdOf();
  let sending = false;

  const show = (): void => {
    const proposal = action.read();
    const idle = !proposal.ok || !proposal.changes;
    preview.replaceChildren(...previewOf(proposal));
    setAttributes(confirm, { disabled: sending || idle });
    setAttributes(cancel, { disabled: sending });
  };
  const send = async (): Promise<void> => {
    const proposal = action.read();
    if (sending || !proposal.ok || !proposal.changes) return;
    sending = true;
    setText(refused, "");
    show();
    const by = { actor: actor.value() || "page", reason: reason.value() };
    try {
      const requestId = ids.of([action.title, proposal.before.etag, proposal.after, by]);
      await action.send(proposal, { ...by, requestId });
      element.close();
    } catch (error) {
      setText(refused, await action.explain(error));
    } finally {
      sending = false;
      show();
    }
  };
  cancel.addEventListener("click", () => element.close());
  element.addEventListener("cancel", (event) => {
    if (sending) event.preventDefault();
  });
  form.addEventListener("input", show);
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    void send();
  });
  return { element, show, name: actor.value };
}

function textInput(id: string, label: string, length: number, text: string) {
  const input = h("input", { id, type: "text", maxlength: length, autocomplete: "off" });
  input.value = text;
  const element = h(
    "div",
    { class: "line" },
    h("label", { for: id }, label, " ", h("span", { class: "unit" }, "optional")),
    input,
  );
  return { element, value: () => input.value.trim() };
}

function previewOf(proposal: Proposal): HTMLElement[] {
  if (!proposal.ok) return [h("p", { class: "error" }, proposal.problem)];
  const { words, warnings, before, after, changes } = proposal;
  if (!changes) return [h("p", { class: "hint" }, "Nothing would change.")];
  const said = h("ul", { class: "said" }, ...words.map((text) => h("li", {}, text)));
  return [said, ...warnings.map(warningOf), ...(after ? [tableOf(before, after)] : [])];
}

/** How many differences are told one by one. */
const MOST_DIFFERENCES = 5;

function warningOf({ version, stable, differences }: SignatureWarning): HTMLElement {
  const rows = differences.slice(0, MOST_DIFFERENCES);
  const others = differences.length - rows.length;
  if (others > 0) rows.push(`and ${others} more`);
  return h(
    "div",
    { class: "differs" },
    h(
      "p",
      { class: "warning" },
      `${version} does not take or answer the same as ${stable}, the stable version. Callers may be refused, or get classes that they do not know:`,
    ),
    h("ul", { class: "breaks" }, ...rows.map((row) => h("li", {}, row))),
  );
}

function tableOf(before: Rollout, after: Rollout): HTMLElement {
  const rows = sharesOf(before, after).map((change) =>
    h(
      "tr",
      {},
      h("th", { scope: "row" }, change.version),
      h("td", {}, share(change.before)),
      h("td", {}, "→"),
      h("td", {}, share(change.after)),
    ),
  );
  const titles = ["Version", "Now", "", "Then"].map((title) => h("th", { scope: "col" }, title));
  return h(
    "table",
    { class: "shares" },
    h("caption", {}, "Share of the requests"),
    h("thead", {}, h("tr", {}, ...titles)),
    h("tbody", {}, ...rows),
  );
}
