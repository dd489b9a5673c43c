import {
  describeError,
  type Interceptor,
  isRateLimited,
  isUnauthenticated,
  type SepalClient,
} from "@sepal-ml/client";
import { h } from "./dom.js";

const KEY = "sepal.token";

/** Calls that change nothing: they wait until the server knows who asks, or has time. */
const READS = [
  "getVersion",
  "predict",
  "listModels",
  "getModel",
  "listVersions",
  "getRollout",
  "listRolloutEvents",
  "getActivity",
  "getDriftReport",
] as const;
/** Calls that people confirmed, who are told at once. */
const WRITES = ["setRollout", "rollback"] as const;

type Call = (request: unknown, options?: { signal?: AbortSignal }) => Promise<unknown>;

/** Asks people for a token where the server asks who they are, and keeps it for the tab. */
export class Access {
  readonly #place: HTMLElement;
  readonly #later: HTMLElement;
  readonly #waiting = new Set<() => void>();
  #token = stored();
  #asking = false;

  /**
   * @param place - where people are asked.
   * @param later - where they are told that the server wants to be left alone for a while.
   */
  constructor(place: HTMLElement, later: HTMLElement) {
    this.#place = place;
    this.#later = later;
    if (this.#token !== undefined) this.#tell();
  }

  readonly token = (): string | undefined => this.#token;

  /** Tells of every attempt that is to come later; the client makes the next by itself. */
  readonly interceptor: Interceptor = (next) => async (request) => {
    try {
      const response = await next(request);
      this.#later.replaceChildren();
      return response;
    } catch (error) {
      this.#tellLater(error);
      throw error;
    }
  };

  /** The same client, whose calls wait for a token, and once for the time that the server says. */
  over(client: SepalClient): SepalClient {
    const asked = { ...client };
    for (const name of READS) asked[name] = this.#patient(client[name] as Call, true) as never;
    for (const name of WRITES) asked[name] = this.#patient(client[name] as Call, false) as never;
    return asked;
  }

  #patient(call: Call, waits: boolean): Call {
    return async (request, options = {}) => {
      const { signal } = options;
      for (let again = waits; ; ) {
        const used = this.#token;
        try {
          return await call(request, options);
        } catch (error) {
          if (signal?.aborted) throw error;
          if (isUnauthenticated(error)) {
            if (used === this.#token) this.#ask(describeError(error).message);
            if (!waits) throw error;
            if (used === this.#token) await this.#known(signal);
          } else if (again && isRateLimited(error)) {
            again = false;
            await pause(describeError(error).retryAfterMs ?? 0, signal);
          } else {
            this.#later.replaceChildren();
            throw error;
          }
        }
      }
    };
  }

  #ask(why: string): void {
    if (this.#asking) return;
    this.#asking = true;
    const refused = this.#token !== undefined;
    this.#keep(undefined);
    // Most servers ask nobody: the form is loaded where one does.
    import("./access/form.js").then(
      ({ createForm }) => {
        const form = createForm(refused ? why : "", (token) => {
          this.#asking = false;
          this.#keep(token);
          this.#tell();
          document.querySelector<HTMLElement>("main")?.focus();
          for (const go of [...this.#waiting]) go();
        });
        this.#place.replaceChildren(form.element);
        // Whoever is typing elsewhere goes on there.
        if (document.activeElement === document.body) form.focus();
      },
      () => {
        this.#asking = false;
        const text = "This server asks who you are. Load the page again to say so.";
        this.#place.replaceChildren(h("div", { class: "notice" }, h("p", {}, text)));
      },
    );
  }

  #known(signal: AbortSignal | undefined): Promise<void> {
    return new Promise((resolve, reject) => {
      const go = (): void => {
        this.#waiting.delete(go);
        signal?.removeEventListener("abort", stop);
        resolve();
      };
      const stop = (): void => {
        this.#waiting.delete(go);
        reject(signal?.reason);
      };
      this.#waiting.add(go);
      signal?.addEventListener("abort", stop, { once: true });
    });
  }

  #tell(): void {
    const forget = h("button", { type: "button" }, "Forget it");
    forget.addEventListener("click", () => {
      this.#keep(undefined);
      location.reload();
    });
    const text = "You ask with a token, which is kept until you close this tab.";
    this.#place.replaceChildren(h("p", { class: "token" }, text, " ", forget));
  }

  #tellLater(error: unknown): void {
    if (!isRateLimited(error)) return;
    const { message, retryAfterMs = 0 } = describeError(error);
    const [reason = ""] = message.split(/[:;]/);
    const at = new Date(Date.now() + retryAfterMs).toLocaleTimeString();
    const text = `The server says: ${reason}. It is asked again at ${at}.`;
    this.#later.replaceChildren(h("p", { class: "status" }, text));
  }

  #keep(token: string | undefined): void {
    this.#token = token;
    try {
      if (token === undefined) sessionStorage.removeItem(KEY);
      else sessionStorage.setItem(KEY, token);
    } catch {
      // Where nothing may be stored it is forgotten when the page is left.
    }
  }
}

function stored(): string | undefined {
  try {
    return sessionStorage.getItem(KEY) ?? undefined;
  } catch {
    return undefined;
  }
}

function pause(ms: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(resolve, Math.min(ms, 2 ** 31 - 1));
    signal?.addEventListener(
      "abort",
      () => {
        clearTimeout(timer);
        reject(signal.reason);
      },
      { once: true },
    );
  });
}
