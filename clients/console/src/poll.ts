/** How long after one run the next begins. */
const PAUSE_MS = 5000;

/** The parts of a document that say whether people see it. */
type Sight = Pick<Document, "visibilityState" | "addEventListener" | "removeEventListener">;

/** Runs a task at once and again and again, as long as the page is in sight. */
export class Poll {
  readonly #task: (signal: AbortSignal) => Promise<void>;
  readonly #page: Sight;
  readonly #seen = (): void => {
    if (this.#page.visibilityState === "visible") void this.now();
    else this.#pause();
  };
  #timer: ReturnType<typeof setTimeout> | undefined;
  #running: AbortController | undefined;
  #started = false;

  /** @param task - never rejects; its signal aborts when it is outdated. */
  constructor(task: (signal: AbortSignal) => Promise<void>, page: Sight = document) {
    this.#task = task;
    this.#page = page;
  }

  start(): void {
    if (this.#started) return;
    this.#started = true;
    this.#page.addEventListener("visibilitychange", this.#seen);
    this.#seen();
  }

  stop(): void {
    this.#started = false;
    this.#page.removeEventListener("visibilitychange", this.#seen);
    this.#pause();
  }

  /** Runs the task now, in place of a run under way, and goes on from there. */
  async now(): Promise<void> {
    this.#pause();
    const run = new AbortController();
    this.#running = run;
    await this.#task(run.signal);
    if (this.#running !== run || run.signal.aborted) return;
    this.#running = undefined;
    if (this.#started && this.#page.visibilityState === "visible") {
      this.#timer = setTimeout(() => void this.now(), PAUSE_MS);
    }
  }

  #pause(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#running?.abort();
    this.#running = undefined;
  }
}
