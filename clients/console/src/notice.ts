import { h } from "./dom.js";

/** A banner above everything, for what no field is to blame for. */
export interface Notice {
  /** Shows what is wrong, with a button that tries again where that can help. */
  show(text: string, retry?: () => void): void;
  clear(): void;
}

/** Makes the notice in a place that index.html marks as an alert. */
export function createNotice(place: HTMLElement): Notice {
  return {
    show: (text, retry) => {
      const notice = h("div", { class: "notice" }, h("p", {}, text));
      if (retry) {
        const button = h("button", { type: "button" }, "Try again");
        button.addEventListener("click", retry);
        notice.append(button);
      }
      place.replaceChildren(notice);
    },
    clear: () => place.replaceChildren(),
  };
}
