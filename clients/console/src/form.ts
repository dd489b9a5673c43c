import { type Control, createControl } from "./control.js";
import { h, setText } from "./dom.js";
import type { Field, Value } from "./fields.js";

/** The form of a model's features. */
export interface Form {
  element: HTMLFormElement;
  /** The values by feature name, or the problems by feature name. */
  read(): Values | Problems;
  /** Shows problems next to their inputs and sums them up; no problems clear what was shown. */
  show(problems: ReadonlyMap<string, string>): void;
  /** Repeats the answer next to the button, for screens where the result is out of sight. */
  tell(answer: string): void;
  /** Moves the focus to the first input with a problem shown. */
  focusProblem(): void;
  /** The texts in the inputs, by feature name; and the subject under the empty name. */
  texts(): Map<string, string>;
}

export interface Values {
  ok: true;
  inputs: Record<string, Value>;
  /** Whom the prediction is for; empty: nobody. */
  subject: string;
}

export interface Problems {
  ok: false;
  problems: Map<string, string>;
}

/** Who hears what people do with the form. */
export interface FormEvents {
  /** A value is being edited. */
  edited(): void;
  /** An edit is complete: the input was left. */
  settled(): void;
  /** The button or Enter. */
  submitted(): void;
}

/**
 * Makes the form.
 *
 * @param texts - what inputs start with, by feature name, where they should not start afresh.
 * @param forSubjects - whether the rollout may decide which version answers a subject.
 */
export function createForm(
  fields: readonly Field[],
  texts: ReadonlyMap<string, string>,
  forSubjects: boolean,
  events: FormEvents,
): Form {
  const controls = fields.map((field, i) => createControl(field, `f${i}`, texts.get(field.name)));
  const subject = createSubject(texts.get(SUBJECT) ?? "");
  const summary = h("div", { class: "summary" });
  const answer = h("p", { class: "brief", "aria-hidden": "true" });
  const element = h(
    "form",
    { class: "card features", novalidate: true, "aria-labelledby": "features-title" },
    h("h2", { id: "features-title" }, "Features"),
    ...controls.map((control) => control.element),
    summary,
    h(
      "div",
      { class: "actions" },
      answer,
      h("button", { type: "submit", class: "primary" }, "Predict"),
    ),
    ...(forSubjects ? [subject.element] : []),
  );
  element.addEventListener("input", () => events.edited());
  element.addEventListener("change", () => events.settled());
  element.addEventListener("submit", (event) => {
    event.preventDefault();
    events.submitted();
  });

  let shown: ReadonlyMap<string, string> = new Map();
  return {
    element,
    read: () => readControls(controls, subject.input.value.trim()),
    show: (problems) => {
      shown = problems;
      for (const control of controls) control.showProblem(problems.get(control.field.name) ?? "");
      showSummary(summary, controls, problems);
    },
    tell: (text) => setText(answer, text),
    focusProblem: () => controls.find(({ field }) => shown.has(field.name))?.input.focus(),
    texts: () =>
      new Map([
        ...controls.map((control) => [control.field.name, control.text()] as const),
        [SUBJECT, subject.input.value] as const,
      ]),
  };
}

/** Under which name the text of the subject is kept: no feature has it. */
const SUBJECT = "";

/** An input for whom the prediction is for, which is folded away until it is wanted. */
function createSubject(text: string): { element: HTMLElement; input: HTMLInputElement } {
  const input = h("input", {
    id: "subject",
    type: "text",
    maxlength: 85,
    autocomplete: "off",
    spellcheck: "false",
    "aria-describedby": "subject-hint",
  });
  input.value = text;
  const hint = "The rollout decides which version answers it: always the same for one subject.";
  const element = h(
    "details",
    { class: "more", open: text !== "" },
    h("summary", {}, "Ask as a subject"),
    h("div", { class: "line" }, h("label", { for: "subject" }, "Subject"), input),
    h("p", { class: "hint", id: "subject-hint" }, hint),
  );
  return { element, input };
}

function readControls(controls: readonly Control[], subject: string): Values | Problems {
  const entries: [string, Value][] = [];
  const problems = new Map<string, string>();
  for (const control of controls) {
    const reading = control.read();
    if (reading.ok) entries.push([control.field.name, reading.value]);
    else problems.set(control.field.name, reading.problem);
  }
  if (problems.size > 0) return { ok: false, problems };
  return { ok: true, inputs: Object.fromEntries(entries), subject };
}

function showSummary(
  summary: HTMLElement,
  controls: readonly Control[],
  problems: ReadonlyMap<string, string>,
): void {
  const wrong = controls.filter(({ field }) => problems.has(field.name));
  const key = wrong.map(({ input }) => input.id).join(" ");
  if (summary.dataset.problems === key) return;
  summary.dataset.problems = key;
  if (wrong.length === 0) {
    setText(summary, "");
    return;
  }
  const links = wrong.flatMap(({ field, input }, i) => {
    const link = h("a", { href: `#${input.id}` }, field.label);
    link.addEventListener("click", (event) => {
      event.preventDefault();
      input.focus();
    });
    return i === 0 ? [link] : [", ", link];
  });
  const lead = wrong.length === 1 ? "One value needs" : `${wrong.length} values need`;
  summary.replaceChildren(`${lead} your attention: `, ...links, ".");
}
