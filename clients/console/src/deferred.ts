import type { Notice } from "./notice.js";

/** What begins when it comes into sight, and rests when it goes. */
interface Part {
  start(): void;
  stop(): void;
  title(): string;
}

/** A part of the page whose code is loaded when it first comes into sight. */
export class Deferred {
  readonly #load: () => Promise<Part>;
  readonly #title: string;
  readonly #notice: Notice;
  #part: Part | undefined;
  #loading = false;
  #wanted = false;

  /**
   * @param title - the title of the page until the part is there.
   * @param notice - says that the part could not be loaded.
   */
  constructor(load: () => Promise<Part>, title: string, notice: Notice) {
    this.#load = load;
    this.#title = title;
    this.#notice = notice;
  }

  /** Never rejects: a failure is shown, with a retry. */
  start(): void {
    this.#wanted = true;
    if (this.#part) this.#part.start();
    else void this.#fetch();
  }

  stop(): void {
    this.#wanted = false;
    this.#part?.stop();
  }

  title(): string {
    return this.#part?.title() ?? this.#title;
  }

  async #fetch(): Promise<void> {
    if (this.#loading) return;
    this.#loading = true;
    try {
      this.#part = await this.#load();
    } catch {
      // A browser does not ask twice for a module, and an upgraded server may not have it.
      this.#notice.show("This view could not be loaded.", () => location.reload());
    } finally {
      this.#loading = false;
    }
    if (this.#wanted) this.#part?.start();
  }
}
