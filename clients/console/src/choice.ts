import type { Entry } from "./control.js";
import { h } from "./dom.js";
import { type CategoryField, parse, parseTyped } from "./fields.js";

/**
 * Makes the list of a feature's categories. Where the model takes other texts too, the last entry
 * of the list opens an input for one: so what is known stays one choice away, by keyboard too, and
 * no browser has to offer suggestions.
 *
 * @param text - a category, a text that is none, or empty for a missing value.
 * @param described - the ids of what describes the inputs.
 */
export function createChoice(
  field: CategoryField,
  id: string,
  text: string,
  described: string,
): Entry {
  const select = h("select", { id, "aria-describedby": described }, ...optionsOf(field));
  select.value = text;
  if (field.other === undefined) {
    return {
      inputs: [select],
      input: () => select,
      read: () => parse(field, select.value),
      text: () => select.value,
    };
  }

  // It is told by what it is, not by its value: any text may be a category.
  const another = h("option", { value: "" }, "another text…");
  select.append(another);
  const typed = createTyped(`${id}-other`, described);
  if (text !== "" && !field.categories.includes(text)) {
    another.selected = true;
    typed.value = text;
  } else {
    select.value = text;
  }
  const open = (): boolean => select.selectedOptions[0] === another;
  const line = h(
    "div",
    { class: "line", hidden: !open() },
    h("label", { for: typed.id }, `${field.label}, another text`),
    typed,
  );
  select.addEventListener("input", () => {
    line.hidden = !open();
  });
  // The edit is not complete yet: the text comes next.
  select.addEventListener("change", (event) => {
    if (open() && typed.value === "") event.stopPropagation();
  });
  return {
    inputs: [select, typed],
    below: line,
    input: () => (open() ? typed : select),
    read: () => (open() ? parseTyped(typed.value) : parse(field, select.value)),
    text: () => (open() ? typed.value : select.value),
  };
}

function optionsOf({ categories, impute }: CategoryField): HTMLOptionElement[] {
  const options = categories.map((c) => h("option", { value: c }, c));
  if (impute !== undefined) options.push(h("option", { value: "" }, "missing"));
  return options;
}

function createTyped(id: string, described: string): HTMLInputElement {
  return h("input", {
    id,
    type: "text",
    autocomplete: "off",
    autocapitalize: "none",
    spellcheck: "false",
    "aria-describedby": described,
  });
}
