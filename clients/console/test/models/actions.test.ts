import { Code, ConnectError, create, RegisteredModelSchema, type Rollout } from "@sepal-ml/client";
import { expect, test, vi } from "vitest";
import {
  promoteAction,
  rollbackAction,
  shadowAction,
  takeAwayAction,
  type Workplace,
} from "../../src/models/actions.js";
import type { Action, Proposal } from "../../src/models/dialog.js";
import { eventOf, rolloutOf } from "./messages.js";

const by = { actor: "ada", reason: "why not", requestId: "r1" };

/** A workplace at a rollout, whose client records what it is asked. */
function placeAt(rollout: Rollout, ...events: ReturnType<typeof eventOf>[]) {
  const client = {
    setRollout: vi.fn(async (_: object) => ({ event: eventOf("SET", { revision: 9 }) })),
    rollback: vi.fn(async (_: object) => ({ event: eventOf("ROLLBACK", { revision: 9 }) })),
  };
  const snapshot = {
    names: ["iris"],
    model: create(RegisteredModelSchema, { name: "iris" }),
    versions: [],
    moreVersions: false,
    stable: undefined,
    rollout,
    agreements: [],
    events,
    moreEvents: false,
    problem: "",
  };
  const place = {
    client: client as unknown as Workplace["client"],
    snapshot: () => snapshot,
    reread: vi.fn(async () => undefined),
    done: vi.fn(),
  };
  return { place, client, snapshot };
}

function proposed(action: Action): Proposal & { ok: true } {
  const proposal = action.read();
  if (!proposal.ok) throw new Error(proposal.problem);
  return proposal;
}

test("a promotion is set with the etag that was read, who did it and why", async () => {
  const { place, client } = placeAt(rolloutOf({ etag: "e1" }, ["canary", "v1.1.0", 100]));
  const action = promoteAction(place, "v1.1.0");
  await action.send(proposed(action), by);
  expect(client.setRollout).toHaveBeenCalledWith({
    rollout: expect.objectContaining({ stable: "v1.1.0", etag: "e1", variants: [] }),
    ...by,
  });
  expect(place.done).toHaveBeenCalledWith(expect.objectContaining({ revision: 9 }));
});

test("what changes nothing is not offered", () => {
  const { place } = placeAt(rolloutOf({ shadows: ["v1.1.0"] }));
  expect(proposed(shadowAction(place, "v1.1.0", true)).changes).toBe(false);
  expect(proposed(shadowAction(place, "v1.1.0", false)).changes).toBe(true);
  expect(proposed(takeAwayAction(place, "canary")).changes).toBe(false);
});

test("a proposal follows what changes on the server", () => {
  const { place, snapshot } = placeAt(rolloutOf({ etag: "e1" }));
  const action = promoteAction(place, "v1.1.0");
  snapshot.rollout = rolloutOf({ etag: "e2", stable: "v1.0.5" });
  expect(proposed(action).words).toEqual(["v1.1.0 becomes the stable version in place of v1.0.5."]);
  expect(proposed(action).after?.etag).toBe("e2");
});

test("a stale change says so, and any other refusal is told in the server's words", async () => {
  const { place, snapshot } = placeAt(rolloutOf({ etag: "e1" }));
  const action = promoteAction(place, "v1.1.0");
  const refusal = new ConnectError("the registry is read-only", Code.FailedPrecondition);
  await action.send(proposed(action), by);
  expect(await action.explain(refusal)).toBe("the registry is read-only");
  place.reread.mockImplementationOnce(async () => {
    snapshot.rollout = rolloutOf({ etag: "e2" });
  });
  expect(await action.explain(refusal)).toMatch(/^The rollout changed meanwhile/);
  const denied = new ConnectError("only from this machine", Code.PermissionDenied);
  expect(await action.explain(denied)).toBe("only from this machine");
});

test("rolling back names the event that is shown, and leaves what is not known to the server", async () => {
  const first = rolloutOf({ revision: 1 });
  const second = rolloutOf({ revision: 2, stable: "v1.1.0" });
  const events = [
    eventOf("SET", { revision: 2, rollout: second }),
    eventOf("SET", { revision: 1, rollout: first }),
  ];
  const known = placeAt(second, ...events);
  const back = rollbackAction(known.place);
  expect(proposed(back)).toMatchObject({ after: first, changes: true });
  await back.send(proposed(back), by);
  expect(known.client.rollback).toHaveBeenCalledWith({ model: "iris", toRevision: 1, ...by });

  const unknown = placeAt(first, ...events);
  const further = rollbackAction(unknown.place);
  expect(proposed(further).after).toBeUndefined();
  await further.send(proposed(further), by);
  expect(unknown.client.rollback).toHaveBeenCalledWith({ model: "iris", toRevision: 0, ...by });

  expect(rollbackAction(placeAt(rolloutOf()).place).read()).toEqual({
    ok: false,
    problem: "There is nothing to go back to.",
  });
});

test("an event of the history is brought back by its number", async () => {
  const event = eventOf("SET", { revision: 3, rollout: rolloutOf({ revision: 3 }) });
  const { place, client } = placeAt(rolloutOf({ revision: 7, stable: "v1.1.0" }), event);
  const action = rollbackAction(place, event);
  expect(action.title).toBe("Bring back the rollout of #3");
  await action.send(proposed(action), by);
  expect(client.rollback).toHaveBeenCalledWith({ model: "iris", toRevision: 3, ...by });
});
