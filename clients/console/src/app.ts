import { describeError, type ModelVersion, type SepalClient } from "@sepal-ml/client";
import { curlCommand, type Target } from "./curl.js";
import { h } from "./dom.js";
import { createExplanation, type ExplanationView } from "./explanation.js";
import { explain, sortFailure } from "./failures.js";
import { type Field, fieldsOf } from "./fields.js";
import { createForm, type Form, type Values } from "./form.js";
import { percent } from "./format.js";
import { heading } from "./heading.js";
import { Latest } from "./latest.js";
import type { Notice } from "./notice.js";
import { createResult, type ResultView } from "./result.js";
import { createSnippet, type Snippet } from "./snippet.js";

/** How long after the last keystroke the prediction follows. */
const TYPING_MS = 80;
/** How often it follows at least while a slider is dragged. */
const DRAGGING_MS = 160;
/** How long an unfinished value may stand before it is called wrong. */
const PATIENCE_MS = 700;

/** What the page is made of, and where it talks to. */
export interface AppOptions {
  client: Pick<SepalClient, "getVersion" | "predict">;
  baseUrl: string;
  /** The model and version to show; empty: the server's defaults. */
  target: Target;
  /** Whether calls carry a token. */
  withToken(): boolean;
  /** Where the form and the results go. */
  main: HTMLElement;
  /** Where the model's name goes. */
  model: HTMLElement;
  notice: Notice;
  /** Is told when the title changes. */
  titled(): void;
}

interface Parts {
  fields: Field[];
  form: Form;
  result: ResultView;
  explanation: ExplanationView;
  snippet: Snippet;
}

/** The page: it loads a model's signature, then predicts whatever the form holds. */
export class App {
  readonly #options: AppOptions;
  readonly #latest = new Latest(DRAGGING_MS);
  #parts: Parts | undefined;
  #version = "";
  #title = "Sepal";
  #started = false;

  constructor(options: AppOptions) {
    this.#options = options;
  }

  /** Loads the model when it is first called. */
  start(): void {
    if (this.#started) return;
    this.#started = true;
    void this.load();
  }

  title(): string {
    return this.#title;
  }

  /** Loads the model and predicts at once. Never rejects: failures are shown, with a retry. */
  async load(): Promise<void> {
    const { client, target, main, notice } = this.#options;
    main.setAttribute("aria-busy", "true");
    try {
      const { version } = await client.getVersion(target);
      if (!version) throw new Error("the server describes no model");
      this.#mount(version);
      notice.clear();
      void this.#predictNow();
    } catch (error) {
      notice.show(explain(describeError(error)), () => this.load());
    } finally {
      main.setAttribute("aria-busy", "false");
    }
  }

  #mount(version: ModelVersion): void {
    const { main, model, target, titled } = this.#options;
    const fields = fieldsOf(version.signature);
    const texts = this.#parts?.form.texts() ?? new Map<string, string>();
    const form = createForm(fields, texts, target.version === "", {
      edited: () => this.#edited(),
      settled: () => this.#settled(),
      submitted: () => this.#submitted(),
    });
    const result = createResult(version.classes);
    const explanation = createExplanation(fields, version.training !== undefined);
    const snippet = createSnippet("The same by curl");
    this.#version = version.version;
    this.#parts = { fields, form, result, explanation, snippet };
    this.#title = `${version.model} ${version.version} · Sepal`;
    titled();
    model.replaceChildren(...heading(version));
    const answers = h("div", { class: "answers" }, result.element, explanation.element);
    main.replaceChildren(form.element, answers, snippet.element);
  }

  #edited(): void {
    const reading = this.#parts?.form.read();
    if (!reading) return;
    if (reading.ok) this.#latest.schedule(TYPING_MS, (signal) => this.#predict(reading, signal));
    else this.#latest.schedule(PATIENCE_MS, () => this.#showProblems(reading.problems));
  }

  #settled(): void {
    const reading = this.#parts?.form.read();
    if (reading && !reading.ok) this.#latest.run(() => this.#showProblems(reading.problems));
  }

  async #submitted(): Promise<void> {
    await this.#predictNow();
    this.#parts?.form.focusProblem();
  }

  async #predictNow(): Promise<void> {
    const reading = this.#parts?.form.read();
    if (!reading) return;
    if (reading.ok) await this.#latest.run((signal) => this.#predict(reading, signal));
    else this.#latest.run(() => this.#showProblems(reading.problems));
  }

  #showProblems(problems: ReadonlyMap<string, string>): void {
    this.#parts?.form.show(problems);
    this.#setStale(true);
  }

  #setStale(stale: boolean): void {
    this.#options.main.classList.toggle("stale", stale);
    this.#parts?.result.setStale(stale);
  }

  async #predict({ inputs, subject }: Values, signal: AbortSignal): Promise<void> {
    const parts = this.#parts;
    if (!parts) return;
    const { client, target, baseUrl, withToken, notice } = this.#options;
    const asked =
      subject === ""
        ? { model: target.model, version: this.#version, subjectId: "" }
        : { model: target.model, version: "", subjectId: subject };
    parts.form.show(new Map());
    parts.snippet.show(curlCommand(baseUrl, inputs, asked, withToken()));
    try {
      const answer = await client.predict({ ...asked, inputs, explain: true }, { signal });
      if (signal.aborted) return;
      parts.result.show(answer);
      parts.form.tell(`${answer.prediction} ${percent(answer.confidence)}`);
      this.#setStale(false);
      parts.explanation.show(answer.explanation);
      notice.clear();
    } catch (error) {
      if (!signal.aborted) this.#fail(parts, error);
    }
  }

  #fail(parts: Parts, error: unknown): void {
    const { notice } = this.#options;
    const described = describeError(error);
    const failure = sortFailure(
      described,
      parts.fields.map((field) => field.name),
    );
    this.#showProblems(failure.fields);
    if (failure.text === "") {
      notice.clear();
      return;
    }
    notice.show(failure.text, this.#remedy(described.code));
  }

  /** What trying again means after an error; undefined where the same would come again. */
  #remedy(code: string): (() => void) | undefined {
    if (code === "invalid_argument") return undefined;
    // A version that is gone will not come back by asking again: load the one that serves now.
    if (code === "not_found") return () => this.load();
    return () => this.#predictNow();
  }
}
