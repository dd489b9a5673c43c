/**
 * Latest runs a task for the newest event only: events that follow each other closely are one,
 * and a run still under way is aborted when the next one starts.
 */
export class Latest {
  #timer: ReturnType<typeof setTimeout> | undefined;
  #firstWaiting = 0;
  #running: AbortController | undefined;

  /**
   * @param longestWaitMs - how long a run is put off at most while events keep coming, so that
   * dragging a slider shows what happens on the way.
   */
  constructor(private readonly longestWaitMs: number) {}

  /** Runs the task after `delayMs` without another event. The signal aborts once it is outdated. */
  schedule(delayMs: number, task: (signal: AbortSignal) => void): void {
    const now = Date.now();
    if (this.#timer === undefined) this.#firstWaiting = now;
    else clearTimeout(this.#timer);
    const left = Math.max(0, this.#firstWaiting + Math.max(this.longestWaitMs, delayMs) - now);
    this.#timer = setTimeout(() => this.run(task), Math.min(delayMs, left));
  }

  /** Runs the task at once, in place of what waits or runs, and returns what it returns. */
  run<T>(task: (signal: AbortSignal) => T): T {
    this.cancel();
    this.#running = new AbortController();
    return task(this.#running.signal);
  }

  /** Drops what waits and aborts what runs. */
  cancel(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#running?.abort();
    this.#running = undefined;
  }
}
