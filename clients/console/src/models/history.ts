import { type Rollout, type RolloutEvent, RolloutEventKind } from "@sepal-ml/client";
import { PER_CENT } from "../format.js";
import { changesOf } from "./changes.js";

/** Says what kind of change an event is: "Published v1.1.0". */
export function eventTitle(event: RolloutEvent): string {
  switch (event.kind) {
    case RolloutEventKind.PUBLISH:
      return `Published ${event.version}`;
    case RolloutEventKind.SET:
      return "Rollout set";
    case RolloutEventKind.ROLLBACK:
      return event.restoredRevision === 0
        ? "Rolled back to the beginning"
        : `Rolled back to #${event.restoredRevision}`;
    default:
      return "Changed";
  }
}

/** What the summary of an event says beyond its title and its breaks; empty: nothing. */
export function eventDetail(event: RolloutEvent): string {
  const summary = unbroken(event.summary);
  switch (event.kind) {
    case RolloutEventKind.PUBLISH:
      return "";
    case RolloutEventKind.ROLLBACK:
      return summary.replace(/^rolled back to revision \d+: /, "");
    default:
      return summary;
  }
}

/** Writes the shares of a text of the server's as the page does. */
export function unbroken(text: string): string {
  return text.replace(/(?<=\d) %/g, PER_CENT);
}

/** Says who made an event, and from where. */
export function eventActor({ actor, peer }: RolloutEvent): string {
  const who = actor || "somebody";
  return peer === "" ? who : `${who} from ${peer}`;
}

/** Whether two rollouts answer alike: they differ in how they came about at most. */
export function alike(a: Rollout, b: Rollout): boolean {
  return changesOf(a, b).length === 0 && changesOf(b, a).length === 0;
}

/** Whether the rollout of an event is its own: a publication mostly leaves it as it was. */
export function setsRollout({ revision, rollout }: RolloutEvent): boolean {
  return rollout?.revision === revision;
}

/** A rollout to go back to. */
export interface Target {
  /** The event whose rollout it is; 0: the one before the present one, wherever it came from. */
  revision: number;
  /** Unset where the page does not know it. */
  rollout?: Rollout;
}

/**
 * Finds what undoing the present rollout leads to, past what rollbacks undid before; undefined
 * where there is nothing to undo. It names the event where there is one, so that what is
 * confirmed is what happens, whatever others do meanwhile.
 *
 * @param events - the latest first; older ones may be missing.
 */
export function previousRollout(
  events: readonly RolloutEvent[],
  present: Rollout,
): Target | undefined {
  const byRevision = new Map(events.map((event) => [event.revision, event]));
  let at = present.revision;
  let event = byRevision.get(at);
  while (event?.kind === RolloutEventKind.ROLLBACK) {
    at = event.restoredRevision;
    event = byRevision.get(at);
  }
  if (at === 0 || event?.kind === RolloutEventKind.PUBLISH) return undefined;
  const rollout = byRevision.get(at - 1)?.rollout;
  return { revision: rollout?.revision ?? 0, ...(rollout && { rollout }) };
}
