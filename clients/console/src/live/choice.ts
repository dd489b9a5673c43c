import { type ModelVersion, VersionState } from "@sepal-ml/client";
import { h } from "../dom.js";
import { Part } from "../parts.js";

/** The model and the version whose drift is shown; empty: the default, the stable one. */
export interface Chosen {
  model: string;
  version: string;
}

/** What there is to choose from. */
export interface Choices {
  models: string[];
  versions: string[];
}

/** The choices that registry answers make; what is chosen is among them, listed or not. */
export function choicesOf(
  models: readonly { name: string }[],
  versions: readonly Pick<ModelVersion, "version" | "state">[],
  chosen: Chosen,
): Choices {
  const names = models.map(({ name }) => name);
  const loaded = versions
    .filter(({ state }) => state === VersionState.LOADED)
    .map(({ version }) => version);
  const missing = chosen.version !== "" && !loaded.includes(chosen.version);
  return {
    models: chosen.model === "" || names.includes(chosen.model) ? names : [chosen.model, ...names],
    versions: missing ? [chosen.version, ...loaded] : loaded,
  };
}

/** The two lists to choose from. */
export function createChoice(choose: (chosen: Chosen) => void): {
  element: HTMLElement;
  show(choices: Choices, chosen: Chosen): void;
} {
  const part = new Part(h("div", { class: "choice" }));
  return {
    element: part.element,
    show: (choices, chosen) => {
      part.show([choices, chosen], () => {
        const model = selectOf("drift-model", choices.models, chosen.model);
        const version = selectOf("drift-version", choices.versions, chosen.version);
        version.prepend(h("option", { value: "" }, "the stable one"));
        version.value = chosen.version;
        model.addEventListener("change", () => choose({ model: model.value, version: "" }));
        version.addEventListener("change", () =>
          choose({ model: chosen.model, version: version.value }),
        );
        return [pickerOf("Model", model), pickerOf("Version", version)];
      });
    },
  };
}

function selectOf(id: string, names: readonly string[], value: string): HTMLSelectElement {
  const options = names.map((name) => h("option", { value: name }, name));
  const select = h("select", { id, "data-focus": id }, ...options);
  select.value = value;
  return select;
}

function pickerOf(label: string, select: HTMLSelectElement): HTMLElement {
  return h("p", { class: "picker" }, h("label", { for: select.id }, label), " ", select);
}
