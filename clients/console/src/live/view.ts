import { type Activity, describeError, type SepalClient } from "@sepal-ml/client";
import { h, setText } from "../dom.js";
import { explain } from "../failures.js";
import { createNotice } from "../notice.js";
import { moment, Part } from "../parts.js";
import { Poll } from "../poll.js";
import type { Chosen } from "./choice.js";
import { Contact } from "./contact.js";
import { Drift, type DriftClient } from "./drift.js";
import { clock, counted } from "./figures.js";
import { createTraffic } from "./traffic.js";
import { createVersions } from "./versions.js";

/** What the live view is made of, and where it talks to. */
export interface LiveOptions {
  client: DriftClient & Pick<SepalClient, "getActivity">;
  /** The model and version whose drift is shown at first; empty: the server's defaults. */
  target: Chosen;
  place: HTMLElement;
}

/** What a server is doing now: traffic, who answers it, and whether the rows have drifted. */
export class LiveView {
  readonly #options: LiveOptions;
  readonly #poll = new Poll((signal) => this.#look(signal));
  readonly #contact = new Contact();
  readonly #about = new Part(h("p", { class: "about" }));
  readonly #asOf = h("p", { class: "as-of" });
  readonly #told = h("p", { class: "unseen", role: "status" });
  readonly #alert = h("div", { role: "alert" });
  readonly #notice = createNotice(this.#alert);
  readonly #traffic = createTraffic();
  readonly #versions = createVersions();
  readonly #drift: Drift;
  #failure = "";

  constructor(options: LiveOptions) {
    this.#options = options;
    this.#drift = new Drift(options.client, options.target, () => void this.#poll.now());
    const head = h(
      "div",
      { class: "models-head" },
      h("div", { class: "live-head" }, h("h1", { tabindex: -1 }, "Live"), this.#asOf),
      this.#about.element,
    );
    const loading = h("p", { class: "loading" }, "Loading what the server does…");
    options.place.replaceChildren(head, this.#alert, this.#told, loading);
  }

  /** Reads and shows from now on, as long as the page is in sight. */
  start(): void {
    this.#poll.start();
  }

  stop(): void {
    this.#poll.stop();
  }

  title(): string {
    return "Live · Sepal";
  }

  /** Reads all that is shown. Never rejects. */
  async #look(signal: AbortSignal): Promise<void> {
    const { client } = this.#options;
    try {
      const [{ activity }, showDrift] = await Promise.all([
        client.getActivity({}, { signal }),
        this.#drift.look(signal),
      ]);
      if (signal.aborted) return;
      if (!activity) throw new Error("the server does not say what it does");
      this.#answered();
      this.#show(activity);
      showDrift();
    } catch (error) {
      if (!signal.aborted) this.#fail(error);
    } finally {
      if (!signal.aborted) this.#options.place.setAttribute("aria-busy", "false");
    }
  }

  #answered(): void {
    setText(this.#told, this.#contact.broken ? "The server answers again." : "");
    this.#contact.answered(Date.now());
    this.#failure = "";
    this.#notice.clear();
    const { place } = this.#options;
    place.classList.remove("unreached");
    const cards = [this.#traffic.element, this.#versions.element, this.#drift.element];
    if (cards.some((card) => !card.isConnected)) {
      place.querySelector(".loading")?.remove();
      place.append(...cards);
    }
  }

  #fail(error: unknown): void {
    const described = describeError(error);
    const text = this.#contact.failed(Date.now(), explain(described));
    this.#options.place.classList.add("unreached");
    setText(this.#told, "");
    // Shown once: an alert that is made anew every few seconds is read aloud every few seconds.
    const failure = `${described.code} ${described.message}`;
    if (failure === this.#failure) return;
    this.#failure = failure;
    this.#notice.show(text, () => void this.#poll.now());
  }

  #show(activity: Activity): void {
    const { since, inFlight } = activity;
    setText(this.#asOf, `${counted(inFlight, "request")} in flight · as of ${clock(Date.now())}`);
    this.#about.show([since], () => [
      "What this server alone has counted",
      ...(since ? [", since ", moment(since)] : []),
      ". No count survives a restart.",
    ]);
    this.#traffic.show(activity);
    this.#versions.show(activity);
  }
}
