import { createChoice } from "./choice.js";
import { h, setAttributes, setText } from "./dom.js";
import { type Field, initialText, outside, parse, type Reading, type Value } from "./fields.js";
import { quantity } from "./format.js";

/** One feature's input with its slider, hints and error. */
export interface Control {
  field: Field;
  /** What goes into the form. */
  element: HTMLElement;
  /** The element that has the focus when people edit the value; it may be another one later. */
  readonly input: HTMLInputElement | HTMLSelectElement;
  read(): Reading;
  /** The text in the input, to carry over to another form. */
  text(): string;
  /** Shows what is wrong with the value; empty: nothing is. */
  showProblem(problem: string): void;
}

/**
 * Makes the control of a field.
 *
 * @param id - unique in the page; the ids of its parts begin with it.
 * @param text - what the input starts with; unset: what suits the field.
 */
export function createControl(field: Field, id: string, text = initialText(field)): Control {
  const hint = h("p", { class: "hint", id: `${id}-hint` }, ...hints(field));
  const warning = h("p", { class: "warning", id: `${id}-warning` });
  const error = h("p", { class: "error", id: `${id}-error` });
  const entry =
    field.kind === "category"
      ? createChoice(field, id, text, described(id))
      : createNumber(field, id, text);
  const refresh = (): void => {
    const reading = entry.read();
    setText(warning, reading.ok ? outside(field, reading.value) : "");
    entry.shown?.(reading.ok ? reading.value : null);
  };
  for (const input of entry.inputs) input.addEventListener("input", refresh);
  refresh();

  return {
    field,
    get input() {
      return entry.input();
    },
    element: layOut(field, id, entry, [hint, warning, error]),
    read: entry.read,
    text: entry.text,
    showProblem: (problem) => {
      setText(error, problem);
      for (const input of entry.inputs) {
        const wrong = problem !== "" && input === entry.input();
        setAttributes(input, { "aria-invalid": wrong ? "true" : undefined });
      }
    },
  };
}

/** What people enter the value of a feature with. */
export interface Entry {
  /** The elements that take the value; the first stands beside the label. */
  inputs: readonly (HTMLInputElement | HTMLSelectElement)[];
  /** What stands below the label. */
  below?: HTMLElement;
  /** The one of the inputs that has the value now. */
  input(): HTMLInputElement | HTMLSelectElement;
  read(): Reading;
  text(): string;
  /** Is told of the value in the input whenever it changes; null: there is none. */
  shown?(value: Value): void;
}

function createNumber(field: Field, id: string, text: string): Entry {
  const input = numberInput(field, id);
  input.value = text;
  const slider = createSlider(field, input);
  return {
    inputs: [input],
    input: () => input,
    read: () => parse(field, input.value, input.validity.badInput),
    text: () => input.value,
    ...(slider && { below: slider, shown: (value) => syncSlider(slider, field, value) }),
  };
}

function layOut(
  field: Field,
  id: string,
  { inputs, below }: Entry,
  texts: HTMLElement[],
): HTMLElement {
  const unit = field.unit === "" ? [] : [h("span", { class: "unit" }, field.unit)];
  const label = h("label", { for: id }, h("span", { class: "name" }, field.label), " ", ...unit);
  const head = h("div", { class: "field-head" }, label, ...inputs.slice(0, 1));
  return h("div", { class: "field" }, head, ...(below ? [below] : []), ...texts);
}

function described(id: string): string {
  return `${id}-error ${id}-warning ${id}-hint`;
}

function numberInput(field: Field, id: string): HTMLInputElement {
  return h("input", {
    id,
    type: "number",
    inputmode: "decimal",
    step: field.kind === "number" && field.range ? field.range.step : "any",
    autocomplete: "off",
    required: field.impute === undefined,
    placeholder: field.impute === undefined ? undefined : "missing",
    "aria-describedby": described(id),
  });
}

/** The slider is for the pointer: the input itself takes arrow keys in the same steps. */
function createSlider(field: Field, input: HTMLInputElement): HTMLInputElement | undefined {
  if (field.kind !== "number" || !field.range) return undefined;
  const { min, max, step } = field.range;
  const slider = h("input", {
    type: "range",
    class: "slider",
    min,
    max,
    step,
    tabindex: -1,
    "aria-label": `${field.label}, slider`,
  });
  slider.addEventListener("input", () => {
    input.value = slider.value;
    input.dispatchEvent(new Event("input", { bubbles: true }));
  });
  return slider;
}

function syncSlider(slider: HTMLInputElement, field: Field, value: Value): void {
  const shown = typeof value === "number" ? value : Number(field.impute ?? slider.value);
  if (Number(slider.value) !== shown) slider.value = String(shown);
  slider.classList.toggle("absent", value === null);
  const { min, max } = slider;
  const share = (Number(slider.value) - Number(min)) / (Number(max) - Number(min));
  slider.style.setProperty("--filled", `${share * 100}%`);
  slider.setAttribute("aria-valuetext", quantity(Number(slider.value), field.unit));
}

function hints(field: Field): (Node | string)[] {
  const parts: string[] = [];
  if (field.kind === "number" && field.range) {
    const { min, max } = field.range;
    parts.push(`${quantity(min, "")} to ${quantity(max, field.unit)} in training`);
  }
  if (field.description !== "") parts.push(field.description);
  if (field.impute !== undefined) {
    const standIn =
      typeof field.impute === "number" ? quantity(field.impute, field.unit) : field.impute;
    parts.push(`if missing, ${standIn} stands in`);
  }
  if (field.kind === "category" && field.other !== undefined) {
    parts.push(`any other text counts as “${field.other}”`);
  }
  return [h("code", {}, field.name), ...parts.map((part) => ` · ${part}`)];
}
