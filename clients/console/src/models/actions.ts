import { describeError, type Rollout, type RolloutEvent } from "@sepal-ml/client";
import { explain } from "../failures.js";
import { changesOf } from "./changes.js";
import type { Action, Proposal } from "./dialog.js";
import { isLoaded } from "./facts.js";
import { previousRollout, type Target } from "./history.js";
import { type Edit, promoted, withoutVariant, withShadow, withSplit } from "./rollout.js";
import { warningsOf } from "./signature.js";
import type { RegistryClient, Snapshot } from "./snapshot.js";
import { splitFields } from "./split.js";

/** What actions work on. */
export interface Workplace {
  client: RegistryClient;
  /** The latest that is known. */
  snapshot(): Snapshot;
  /** Reads it anew. */
  reread(): Promise<void>;
  /** Is told what was done. */
  done(event: RolloutEvent | undefined): void;
}

/** Gives a version a share of the requests; an empty version: one that people choose. */
export function splitAction(place: Workplace, version: string): Action {
  const { versions, rollout } = place.snapshot();
  const choices = versions
    .filter((v) => isLoaded(v) && v.version !== rollout.stable)
    .map((v) => v.version);
  const fields = splitFields(choices, version, () => place.snapshot().rollout);
  return {
    title: "Split the traffic",
    verb: "Split",
    fields: fields.elements,
    ...setting(place, (before) => {
      const split = fields.read();
      return split.ok ? withSplit(before, split) : split;
    }),
  };
}

/** Makes a version the stable one. */
export function promoteAction(place: Workplace, version: string): Action {
  return {
    title: `Promote ${version}`,
    verb: "Promote",
    fields: [],
    ...setting(place, (before) => ({ ok: true, rollout: promoted(before, version) })),
  };
}

/** Takes a variant away. */
export function takeAwayAction(place: Workplace, variant: string): Action {
  return {
    title: `Take ${variant} away`,
    verb: "Take away",
    fields: [],
    ...setting(place, (before) => ({ ok: true, rollout: withoutVariant(before, variant) })),
  };
}

/** Has a version scored in the shadow, or no longer. */
export function shadowAction(place: Workplace, version: string, on: boolean): Action {
  return {
    title: on ? `Shadow ${version}` : `Stop the shadow ${version}`,
    verb: on ? "Shadow" : "Stop",
    fields: [],
    ...setting(place, (before) => ({ ok: true, rollout: withShadow(before, version, on) })),
  };
}

/** Undoes the present rollout, or brings back that of an event. */
export function rollbackAction(place: Workplace, event?: RolloutEvent): Action {
  const target = (): Target | undefined => {
    const { events, rollout } = place.snapshot();
    if (!event) return previousRollout(events, rollout);
    return { revision: event.revision, ...(event.rollout && { rollout: event.rollout }) };
  };
  return {
    title: event ? `Bring back the rollout of #${event.revision}` : "Roll back",
    verb: event ? "Bring back" : "Roll back",
    fields: [],
    read: () => proposeRollback(place.snapshot(), target()),
    send: async (proposal, by) => {
      const model = proposal.before.model;
      const toRevision = target()?.revision ?? 0;
      place.done((await place.client.rollback({ model, toRevision, ...by })).event);
    },
    explain: (error) => why(place, error, undefined),
  };
}

function proposeRollback(snapshot: Snapshot, target: Target | undefined): Proposal {
  if (!target) return { ok: false, problem: "There is nothing to go back to." };
  const before = snapshot.rollout;
  const { rollout: after } = target;
  if (!after) {
    const words = ["The rollout before the present one comes back."];
    return { ok: true, words, warnings: [], before, changes: true };
  }
  const words = changesOf(before, after);
  // Rollouts that read alike may still divide the subjects differently.
  if (words.length === 0) words.push("The same shares come back, divided as they were.");
  const warnings = warningsOf(snapshot, before, after);
  return { ok: true, words, warnings, before, after, changes: true };
}

/** The parts of an action that sets a rollout. */
function setting(
  place: Workplace,
  edit: (before: Rollout) => Edit,
): Pick<Action, "read" | "send" | "explain"> {
  let sent: Rollout | undefined;
  return {
    read: () => {
      const snapshot = place.snapshot();
      const before = snapshot.rollout;
      const edited = edit(before);
      if (!edited.ok) return edited;
      const words = changesOf(before, edited.rollout);
      const warnings = warningsOf(snapshot, before, edited.rollout);
      const changes = words.length > 0;
      return { ok: true, words, warnings, before, after: edited.rollout, changes };
    },
    send: async (proposal, by) => {
      if (!proposal.after) return;
      sent = proposal.after;
      place.done((await place.client.setRollout({ rollout: proposal.after, ...by })).event);
    },
    explain: (error) => why(place, error, sent?.etag),
  };
}

/** Says why a change was refused; of one that was made on what is no longer so, that. */
async function why(place: Workplace, error: unknown, etag: string | undefined): Promise<string> {
  const described = describeError(error);
  const violations = described.violations
    .filter((v) => !described.message.includes(v.description))
    .map((v) => ` · ${v.field} ${v.description}`);
  if (described.code === "failed_precondition") {
    await place.reread();
    if (etag !== undefined && place.snapshot().rollout.etag !== etag) {
      return "The rollout changed meanwhile, and nothing was done. Above is what would happen now.";
    }
  }
  return explain(described) + violations.join("");
}
