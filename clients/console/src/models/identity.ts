import { newRequestId } from "@sepal-ml/client";

/**
 * Gives ids to requests: the same to the same request sent again, which the server then makes
 * once, and another one as soon as anything about it differs.
 */
export class IdOf {
  #content = "";
  #id = "";

  of(content: unknown): string {
    const text = JSON.stringify(content);
    if (text !== this.#content || this.#id === "") {
      this.#content = text;
      this.#id = newRequestId();
    }
    return this.#id;
  }
}
