import { describeError, type RolloutEvent } from "@sepal-ml/client";
import { h, setText } from "../dom.js";
import { explain } from "../failures.js";
import { createNotice } from "../notice.js";
import { focusByKey, focusKey, Part } from "../parts.js";
import { Poll } from "../poll.js";
import {
  promoteAction,
  rollbackAction,
  shadowAction,
  splitAction,
  takeAwayAction,
  type Workplace,
} from "./actions.js";
import { type Action, createDialog } from "./dialog.js";
import { createHistory } from "./events.js";
import { unbroken } from "./history.js";
import {
  type Limits,
  more,
  problemsOf,
  type RegistryClient,
  readSnapshot,
  type Snapshot,
} from "./snapshot.js";
import { createTraffic } from "./traffic.js";
import { createVersions } from "./versions.js";

/** After so many looks at the rollout alone, everything is read again. */
const FULL_EVERY = 5;

/** What the models view is made of, and where it talks to. */
export interface ModelsOptions {
  client: RegistryClient;
  /** The model to show; empty: the server's default model. */
  model: string;
  place: HTMLElement;
  /** Is told when the title changes. */
  titled(): void;
}

/** The models of a registry: which versions there are, which answer, and who changed that. */
export class ModelsView {
  readonly #options: ModelsOptions;
  readonly #poll = new Poll((signal) => this.#look(signal));
  readonly #limits: Limits = { versions: 50, events: 20 };
  readonly #heading = new Part(
    h("div", { class: "models-head" }, h("p", { class: "loading" }, "Loading the models…")),
  );
  readonly #problems = new Part(h("div", { role: "alert" }));
  readonly #status = h("p", { class: "status", role: "status" });
  readonly #dialogs = h("div");
  readonly #dialog = createDialog(this.#dialogs);
  readonly #notice;
  readonly #cards;
  #name: string;
  #snapshot: Snapshot | undefined;
  #untilFull = 0;

  constructor(options: ModelsOptions) {
    this.#options = options;
    this.#name = options.model;
    const notice = h("div", { role: "alert" });
    this.#notice = createNotice(notice);
    this.#cards = this.#createCards();
    options.place.replaceChildren(
      this.#heading.element,
      notice,
      this.#problems.element,
      this.#status,
      ...this.#cards.map((card) => card.element),
      this.#dialogs,
    );
    for (const { element } of this.#cards) element.hidden = true;
  }

  /** Reads and shows the models from now on, as long as the page is in sight. */
  start(): void {
    this.#untilFull = 0;
    this.#poll.start();
  }

  stop(): void {
    this.#poll.stop();
  }

  title(): string {
    return this.#snapshot ? `${this.#snapshot.model.name}, models · Sepal` : "Models · Sepal";
  }

  #createCards() {
    const ask = (make: (place: Workplace) => Action) => void this.#ask(make);
    const shadow = (version: string, on: boolean) => ask((p) => shadowAction(p, version, on));
    const split = (version: string) => ask((p) => splitAction(p, version));
    const showMore = (which: keyof Limits) => {
      this.#limits[which] = more(this.#limits[which]);
      void this.#reread();
    };
    return [
      createTraffic({
        split,
        shadow,
        rollBack: () => ask((p) => rollbackAction(p)),
        takeAway: (variant) => ask((p) => takeAwayAction(p, variant)),
      }),
      createVersions({
        split,
        shadow,
        promote: (version) => ask((p) => promoteAction(p, version)),
        more: () => showMore("versions"),
      }),
      createHistory({
        bringBack: (event) => ask((p) => rollbackAction(p, event)),
        more: () => showMore("events"),
      }),
    ] as const;
  }

  /** Looks at the rollout; at everything where it changed, and now and then. Never rejects. */
  async #look(signal: AbortSignal): Promise<void> {
    const { client, place } = this.#options;
    try {
      const known = this.#snapshot;
      if (known && this.#untilFull-- > 0) {
        const { rollout, agreements, problem } = await client.getRollout(
          { model: known.model.name },
          { signal },
        );
        if (signal.aborted) return;
        const same =
          rollout?.etag === known.rollout.etag &&
          rollout.pinned === known.rollout.pinned &&
          problem === known.problem;
        if (same) {
          this.#show({ ...known, agreements });
          return;
        }
      }
      const snapshot = await readSnapshot(client, this.#name, this.#limits, signal);
      if (signal.aborted) return;
      this.#untilFull = FULL_EVERY;
      this.#show(snapshot);
    } catch (error) {
      if (!signal.aborted) this.#fail(error);
    } finally {
      if (!signal.aborted) place.setAttribute("aria-busy", "false");
    }
  }

  #fail(error: unknown): void {
    this.#notice.show(explain(describeError(error)), () => void this.#reread());
  }

  async #reread(): Promise<void> {
    this.#untilFull = 0;
    await this.#poll.now();
  }

  #show(snapshot: Snapshot): void {
    this.#snapshot = snapshot;
    this.#notice.clear();
    this.#heading.show([snapshot.model, snapshot.names], () => this.#headingOf(snapshot));
    const problems = problemsOf(snapshot);
    this.#problems.show(problems, () => problemList(problems));
    for (const card of this.#cards) {
      card.element.hidden = false;
      card.show(snapshot);
    }
    this.#dialog.refresh();
    this.#options.titled();
  }

  #headingOf({ model, names }: Snapshot): HTMLElement[] {
    const { loadedVersions, failedVersions, newestVersion, isDefault } = model;
    const failed = failedVersions > 0 ? `, ${failedVersions} that could not be loaded` : "";
    const newest = newestVersion === "" ? "" : ` The newest is ${newestVersion}.`;
    const byDefault = isDefault ? " It answers requests that name no model." : "";
    const loaded = loadedVersions === 1 ? "1 version" : `${loadedVersions} versions`;
    const title = h("h1", { tabindex: -1 }, model.name);
    const about = h("p", { class: "about" }, `${loaded} loaded${failed}.${newest}${byDefault}`);
    return names.length > 1 ? [title, about, this.#picker(names, model.name)] : [title, about];
  }

  #picker(names: readonly string[], chosen: string): HTMLElement {
    const options = names.map((name) => h("option", { value: name }, name));
    const select = h("select", { id: "model-name", "data-focus": "model" }, ...options);
    select.value = chosen;
    select.addEventListener("change", () => {
      this.#name = select.value;
      setText(this.#status, "");
      void this.#reread();
    });
    return h("p", { class: "picker" }, h("label", { for: select.id }, "Model"), " ", select);
  }

  async #ask(make: (place: Workplace) => Action): Promise<void> {
    const opener = focusKey(document.activeElement);
    setText(this.#status, "");
    await this.#dialog.ask(
      make({
        client: this.#options.client,
        snapshot: () => this.#known(),
        reread: () => this.#reread(),
        done: (event) => this.#tell(event),
      }),
    );
    await this.#reread();
    const { place } = this.#options;
    if (!focusByKey(opener, place)) place.querySelector("h1")?.focus();
  }

  #tell(event: RolloutEvent | undefined): void {
    setText(this.#status, event ? `Done: ${unbroken(event.summary)}` : "Done.");
  }

  #known(): Snapshot {
    if (!this.#snapshot) throw new Error("nothing is known about the model yet");
    return this.#snapshot;
  }
}

function problemList(problems: readonly string[]): HTMLElement[] {
  if (problems.length === 0) return [];
  const rows = problems.map((problem) => h("li", {}, problem));
  return [
    h(
      "div",
      { class: "notice problems" },
      h("p", {}, h("strong", {}, "Not in force:")),
      h("ul", {}, ...rows),
    ),
  ];
}
