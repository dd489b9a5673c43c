import { h, setText } from "./dom.js";

/** A block of code with a button that copies it. */
export interface Snippet {
  element: HTMLElement;
  show(code: string): void;
}

/** How long the button says that it has copied. */
const CONFIRM_MS = 2000;

export function createSnippet(title: string): Snippet {
  const code = h("code");
  const button = h("button", { type: "button", class: "copy", "aria-live": "polite" }, "Copy");
  let reset: ReturnType<typeof setTimeout> | undefined;
  button.addEventListener("click", async () => {
    const copied = await copy(code);
    setText(button, copied ? "Copied" : "Press Ctrl+C");
    clearTimeout(reset);
    reset = setTimeout(() => setText(button, "Copy"), CONFIRM_MS);
  });
  const element = h(
    "section",
    { class: "card snippet", "aria-labelledby": "snippet-title", hidden: true },
    h("div", { class: "snippet-head" }, h("h2", { id: "snippet-title" }, title), button),
    h("pre", { tabindex: 0, "aria-labelledby": "snippet-title" }, code),
  );
  return {
    element,
    show: (text) => {
      element.hidden = false;
      setText(code, text);
    },
  };
}

/**
 * Copies the code's text. Browsers offer a clipboard on https and localhost only: elsewhere the
 * text is left selected, for the keyboard.
 */
async function copy(code: HTMLElement): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(code.textContent ?? "");
    return true;
  } catch {
    getSelection()?.selectAllChildren(code);
    return false;
  }
}
