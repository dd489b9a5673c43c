import { Code, ConnectError, type Interceptor } from "@connectrpc/connect";
import type { CommonOptions } from "./options.js";

/**
 * The interceptors of a client: those of the options, and within them, so that none of them sees
 * it, the one that adds the token to a request.
 *
 * @throws TypeError where the token is none, or would travel in clear text.
 */
export function interceptorsOf(options: CommonOptions & { baseUrl: string }): Interceptor[] {
  const { token, interceptors = [], baseUrl, clearTextToken } = options;
  if (token === undefined) {
    return interceptors;
  }
  if (typeof token === "string" && problemOf(token) !== "") {
    throw new TypeError(`token: ${problemOf(token)}`);
  }
  const url = new URL(baseUrl, globalThis.location?.href);
  if (url.protocol !== "https:" && !isThisMachine(url.hostname) && clearTextToken !== true) {
    throw new TypeError(
      `token: it would travel to ${url.host} in clear text, for anyone on the way to read: expected a baseUrl with https://, or clearTextToken`,
    );
  }
  return [...interceptors, bearing(token)];
}

type Token = NonNullable<CommonOptions["token"]>;

function bearing(token: Token): Interceptor {
  return (next) => async (request) => {
    const text = typeof token === "string" ? token : await ask(token);
    if (text === undefined) {
      return next(request);
    }
    // A copy: what is logged of the request later does not have it either.
    const header = new Headers(request.header);
    header.set("Authorization", `Bearer ${text}`);
    return next({ ...request, header });
  };
}

async function ask(token: Exclude<Token, string>): Promise<string | undefined> {
  try {
    const text = await token();
    const problem = text === undefined ? "" : problemOf(text);
    if (problem !== "") {
      throw new Error(problem);
    }
    return text;
  } catch (error) {
    if (error instanceof ConnectError) {
      throw error;
    }
    const why = error instanceof Error ? error.message : String(error);
    const text = `there is no token to send: ${why}`;
    throw new ConnectError(text, Code.Unauthenticated, undefined, undefined, error);
  }
}

/** What keeps a text from being a token, without a part of it; empty: nothing. */
function problemOf(token: string): string {
  const at = token.search(/[^\w.~+/=-]/);
  if (token !== "" && at < 0) return "";
  return token === ""
    ? "it is empty"
    : `it has a character at ${at} that no token has: expected letters, digits and -._~+/=`;
}

function isThisMachine(host: string): boolean {
  return /^(?:(?:.+\.)?localhost\.?|127(?:\.\d+){3}|\[::1\])$/.test(host);
}
