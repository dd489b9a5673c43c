import {
  type DriftReport,
  DriftState,
  describeError,
  type ModelVersion,
  type SepalClient,
} from "@sepal-ml/client";
import { probabilityBar } from "../bars.js";
import { h, setText } from "../dom.js";
import { explain } from "../failures.js";
import { readable } from "../format.js";
import { badge, moment } from "../parts.js";
import { type Choices, type Chosen, choicesOf, createChoice } from "./choice.js";
import type { Naming } from "./feature.js";
import { FeatureList } from "./features.js";
import { counted, secondsOf, span } from "./figures.js";
import { createPredictions } from "./predictions.js";
import { verdictOf } from "./words.js";

/** The calls that the drift of a version is read by. */
export type DriftClient = Pick<
  SepalClient,
  "getDriftReport" | "getVersion" | "getModel" | "listModels" | "listVersions"
>;

/** After so many looks the lists to choose from are read again. */
const LISTS_EVERY = 12;

/** The most that a server lists at a time. */
const MOST_LISTED = 1000;

/** What was read of a version's drift, or why it could not be. */
type Reading =
  | { ok: true; report: DriftReport; namings: ReadonlyMap<string, Naming>; chosen: Chosen }
  | { ok: false; problem: string };

/** The drift of a version that people choose. */
export class Drift {
  readonly #client: DriftClient;
  readonly #choice;
  readonly #state = badge("");
  readonly #sentence = h("p", { class: "verdict", role: "status" });
  readonly #enough = h("div", { class: "track enough", "aria-hidden": "true" });
  readonly #enoughBar = h("span", { class: "bar" });
  readonly #basis = h("p", { class: "hint" });
  readonly #problem = h("p", { class: "error" });
  readonly #predictions = createPredictions();
  readonly #features = new FeatureList();
  readonly #legend = legend();
  readonly #body = h(
    "div",
    { class: "drift-body" },
    this.#predictions.element,
    h("div", { class: "entry-head" }, h("h3", {}, "Features"), this.#legend),
    h("p", { class: "hint" }, HOW_TO_READ),
    this.#features.element,
  );
  readonly element: HTMLElement;
  #chosen: Chosen;
  #choices: Choices = { models: [], versions: [] };
  #untilLists = 0;
  #named: { of: string; namings: ReadonlyMap<string, Naming> } | undefined;
  #shown = "";
  #shownFor: Chosen | undefined;

  /** @param changed - is told when people chose another model or version. */
  constructor(client: DriftClient, chosen: Chosen, changed: () => void) {
    this.#client = client;
    this.#chosen = chosen;
    this.#choice = createChoice((next) => {
      this.#chosen = next;
      this.#untilLists = 0;
      this.element.setAttribute("aria-busy", "true");
      changed();
    });
    this.element = h(
      "section",
      { class: "card drift", "aria-labelledby": "live-drift-title" },
      h("div", { class: "entry-head" }, h("h2", { id: "live-drift-title" }, "Drift"), this.#state),
      this.#choice.element,
      this.#sentence,
      this.#enough,
      this.#basis,
      this.#problem,
      this.#body,
    );
    this.#body.hidden = true;
    this.#enough.hidden = true;
    this.#enough.append(this.#enoughBar);
  }

  /** Reads what there is to tell. Failures are told in place, but for those of no answer. */
  async look(signal: AbortSignal): Promise<() => void> {
    try {
      if (this.#untilLists-- <= 0) await this.#readLists(signal);
      const reading = await this.#read(signal);
      return () => this.#show(reading);
    } catch (error) {
      const problem = explain(describeError(error));
      return () => this.#show({ ok: false, problem });
    }
  }

  async #readLists(signal: AbortSignal): Promise<void> {
    const options = { signal };
    const chosen = this.#chosen;
    const name = chosen.model || (await this.#client.getModel({}, options)).model?.name || "";
    const [{ models }, versions] = await Promise.all([
      this.#client.listModels({ pageSize: MOST_LISTED }, options),
      this.#versionsOf(name, signal),
    ]);
    if (signal.aborted) return;
    if (chosen.model !== name) this.#chosen = { model: name, version: chosen.version };
    this.#choices = choicesOf(models, versions, this.#chosen);
    this.#untilLists = LISTS_EVERY;
  }

  /** The versions of a model; none where there is no such model, so that another can be chosen. */
  async #versionsOf(model: string, signal: AbortSignal): Promise<ModelVersion[]> {
    try {
      const request = { model, pageSize: MOST_LISTED };
      return (await this.#client.listVersions(request, { signal })).versions;
    } catch (error) {
      if (describeError(error).code === "not_found") return [];
      throw error;
    }
  }

  async #read(signal: AbortSignal): Promise<Reading> {
    const chosen = this.#chosen;
    const { report } = await this.#client.getDriftReport(chosen, { signal });
    if (!report) throw new Error("the server has no report");
    return { ok: true, report, namings: await this.#namingsOf(report, signal), chosen };
  }

  /** How the features of a version are called; read once, since a version does not change. */
  async #namingsOf(
    { model, version }: DriftReport,
    signal: AbortSignal,
  ): Promise<ReadonlyMap<string, Naming>> {
    const of = JSON.stringify([model, version]);
    if (this.#named?.of === of) return this.#named.namings;
    const described = await this.#client.getVersion({ model, version }, { signal });
    const features = described.version?.signature?.features ?? [];
    const labels = readable(features);
    const namings = new Map(
      features.map(({ name, unit }, i) => [name, { label: labels[i] ?? name, unit }]),
    );
    this.#named = { of, namings };
    return namings;
  }

  #show(reading: Reading): void {
    this.#choice.show(this.#choices, this.#chosen);
    setText(this.#problem, reading.ok ? "" : reading.problem);
    this.element.classList.toggle("unread", !reading.ok);
    this.element.removeAttribute("aria-busy");
    if (!reading.ok) {
      if (this.#shownFor !== this.#chosen) this.#blank();
      return;
    }
    const { report, namings } = reading;
    this.#shownFor = reading.chosen;
    const { word, kind, sentence } = verdictOf(report);
    setText(this.#state, word);
    this.#state.className = `badge ${kind}`.trim();
    setText(this.#sentence, sentence);
    this.#showRows(report);
    this.#basis.replaceChildren(...basisOf(report));
    this.#body.hidden = report.features.length === 0 && !report.predictions;
    const { predictions } = report;
    this.#predictions.element.hidden = !predictions;
    if (predictions) this.#predictions.show(predictions, report.rows);
    const of = JSON.stringify([report.model, report.version]);
    if (this.#shown !== of) this.#features.clear();
    this.#shown = of;
    this.#features.show(report.features, namings);
  }

  /** Shows nothing of a version that is no longer the chosen one. */
  #blank(): void {
    setText(this.#state, "");
    setText(this.#sentence, "");
    this.#basis.replaceChildren();
    this.#enough.hidden = true;
    this.#body.hidden = true;
  }

  /** How far the window is filled, while it is not. */
  #showRows(report: DriftReport): void {
    this.#enough.hidden = !fills(report);
    const { width } = probabilityBar(Number(report.rows) / Number(report.rowsNeeded || 1n));
    this.#enoughBar.style.setProperty("width", `${width}%`);
  }
}

/** Whether the window is still to fill before anything is said. */
function fills({ state, rows, rowsNeeded }: DriftReport): boolean {
  return state === DriftState.NOT_ENOUGH_DATA && rows < rowsNeeded;
}

const HOW_TO_READ =
  "PSI, the population stability index, says how far the shares have moved: below 0.1 not to speak " +
  "of. Drifted is what is above 0.2, and above what chance makes of it once in a thousand windows.";

function legend(): HTMLElement {
  return h(
    "span",
    { class: "keys" },
    h("span", {}, h("span", { class: "swatch now" }), "now"),
    h("span", {}, h("span", { class: "swatch then" }), "in training"),
  );
}

/** On which rows a report stands, and since when they were counted. */
function basisOf(report: DriftReport): (Node | string)[] {
  const { model, version, rows, referenceRows, since, window } = report;
  const reference =
    referenceRows > 0n ? `, beside ${counted(referenceRows, "row")} in training` : "";
  const reach = secondsOf(window);
  const most = reach > 0 ? ` The window reaches back ${span(reach)} at most.` : "";
  return [
    h("bdi", {}, model),
    " ",
    h("bdi", {}, version),
    `: ${counted(rows, "row")} answered`,
    ...(since ? [" since ", moment(since)] : []),
    `${reference}.${most}`,
  ];
}
