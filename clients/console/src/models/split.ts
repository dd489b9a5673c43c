import type { Rollout } from "@sepal-ml/client";
import { h } from "../dom.js";
import { variantOf } from "./rollout.js";
import { parseShare } from "./weights.js";

/** What the fields of a split hold, or what is wrong with them. */
export type SplitReading =
  | { ok: true; version: string; weight: number; name: string }
  | { ok: false; problem: string };

/** The share that a version starts with where it has none. */
const FIRST_SHARE = "10";

/** Makes the fields of a split: the version, its share and the name of its variant. */
export function splitFields(
  versions: readonly string[],
  chosen: string,
  rollout: () => Rollout,
): { elements: HTMLElement[]; read(): SplitReading } {
  const version = h(
    "select",
    { id: "split-version" },
    ...versions.map((v) => h("option", { value: v }, v)),
  );
  if (chosen !== "") version.value = chosen;
  const weight = h("input", {
    id: "split-weight",
    type: "text",
    inputmode: "decimal",
    autocomplete: "off",
    "aria-describedby": "split-hint",
  });
  const name = h("input", { id: "split-name", type: "text", maxlength: 64, autocomplete: "off" });
  const prefill = (): void => {
    const variant = variantOf(rollout(), version.value);
    weight.value = variant ? String(variant.weight / 100) : FIRST_SHARE;
    name.value = variant?.name ?? "";
    name.placeholder = version.value;
  };
  version.addEventListener("input", prefill);
  prefill();
  const hint = "Per cent, in steps of 0.01. 0 is a dark launch, for those who name the version.";
  return {
    elements: [
      line("Version", version),
      line("Share of the requests", weight, "%"),
      h("p", { class: "hint", id: "split-hint" }, hint),
      line("Name of the variant", name, "optional"),
    ],
    read: () => {
      if (version.value === "") return { ok: false, problem: "There is no version to choose." };
      const reading = parseShare(weight.value);
      if (!reading.ok) return reading;
      const { weight: hundredths } = reading;
      return { ok: true, version: version.value, weight: hundredths, name: name.value.trim() };
    },
  };
}

function line(label: string, input: HTMLElement, unit = ""): HTMLElement {
  const after = unit === "" ? [] : [" ", h("span", { class: "unit" }, unit)];
  return h("div", { class: "line" }, h("label", { for: input.id }, label, ...after), input);
}
