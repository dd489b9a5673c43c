import { h, setAttributes, setText } from "../dom.js";

/** A form that asks for a token. */
export interface TokenForm {
  element: HTMLElement;
  focus(): void;
}

/**
 * Makes the form.
 *
 * @param refused - what the server says of the token before; empty: there was none.
 * @param given - gets the token.
 */
export function createForm(refused: string, given: (token: string) => void): TokenForm {
  const input = h("input", {
    id: "access-token",
    type: "password",
    autocomplete: "off",
    spellcheck: "false",
    "aria-describedby": "access-error access-about",
  });
  const error = h("p", { class: "error", id: "access-error", role: "alert" });
  const about =
    "Paste a token that those who run it gave you. It is kept until you close this tab, and sent to this server only.";
  const form = h(
    "form",
    { class: "card access", novalidate: true, "aria-labelledby": "access-title" },
    h("h2", { id: "access-title" }, "This server asks who you are"),
    h("p", { class: "hint", id: "access-about" }, about),
    ...(isPrivate() ? [] : [h("p", { class: "warning" }, inTheOpen)]),
    h("div", { class: "line" }, h("label", { for: input.id }, "Token"), input),
    error,
    h("button", { type: "submit", class: "primary" }, "Go on"),
  );
  const wrong = (text: string): void => {
    setText(error, text);
    setAttributes(input, { "aria-invalid": text === "" ? undefined : "true" });
  };
  if (refused !== "") wrong(sentence(refused));
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    // People copy the whole header too.
    const token = input.value.trim().replace(/^(?:Authorization:\s*)?Bearer\s+/i, "");
    if (/^[\w.~+/=-]+$/.test(token)) {
      given(token);
      return;
    }
    const why =
      token === "" ? "Paste a token." : "A token has no spaces, and only plain characters.";
    wrong(why);
    input.focus();
  });
  return { element: form, focus: () => input.focus() };
}

const inTheOpen =
  "This connection is not encrypted: anyone on the way can read the token. Ask for an address that begins with https://.";

function isPrivate(): boolean {
  return (
    location.protocol === "https:" ||
    /^(?:(?:.+\.)?localhost|127(?:\.\d+){3}|\[::1\])$/.test(location.hostname)
  );
}

/** What a server says, without what only programs can do about it. */
function sentence(text: string): string {
  const [first = ""] = text.split(/[;:]/);
  return `${first.charAt(0).toUpperCase()}${first.slice(1)}.`;
}
