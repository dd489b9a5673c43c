import { clock } from "./figures.js";

/** Remembers since when a server has not answered, and from when the last answer is. */
export class Contact {
  #answered: number | undefined;
  #failing: number | undefined;

  /** @param now - in milliseconds since 1970. */
  answered(now: number): void {
    this.#answered = now;
    this.#failing = undefined;
  }

  /**
   * Says that a call failed, and what the page still shows: the first failure after an answer
   * is when it began.
   */
  failed(now: number, reason: string): string {
    this.#failing ??= now;
    const since = `No answer since ${clock(this.#failing)}.`;
    if (this.#answered === undefined) return `${since} ${reason}`;
    return `${since} What is shown is from ${clock(this.#answered)}. ${reason}`;
  }

  /** Whether the last call failed. */
  get broken(): boolean {
    return this.#failing !== undefined;
  }
}
