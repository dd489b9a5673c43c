import { describe, expect, test } from "vitest";
import {
  alike,
  eventActor,
  eventDetail,
  eventTitle,
  previousRollout,
  setsRollout,
  unbroken,
} from "../../src/models/history.js";
import { eventOf, rolloutOf } from "./messages.js";

test("an event says what kind of change it is", () => {
  expect([
    eventTitle(eventOf("PUBLISH", { version: "v1.1.0" })),
    eventTitle(eventOf("PUBLISH", { version: "v2.0.0", forced: true })),
    eventTitle(eventOf("SET")),
    eventTitle(eventOf("ROLLBACK", { restoredRevision: 4 })),
    eventTitle(eventOf("ROLLBACK")),
    eventTitle(eventOf("UNSPECIFIED")),
  ]).toEqual([
    "Published v1.1.0",
    "Published v2.0.0",
    "Rollout set",
    "Rolled back to #4",
    "Rolled back to the beginning",
    "Changed",
  ]);
});

test("an event says nothing twice", () => {
  const detail = (kind: Parameters<typeof eventOf>[0], summary: string) =>
    eventDetail(eventOf(kind, { summary, restoredRevision: 4 }));
  expect(detail("PUBLISH", "published v1.1.0")).toBe("");
  expect(detail("PUBLISH", "published v2.0.0, forced past 2 breaks")).toBe("");
  expect(detail("SET", "stable v1.0.0 → v1.1.0")).toBe("stable v1.0.0 → v1.1.0");
  expect(detail("ROLLBACK", "rolled back to revision 4: variant + v1.1.0 5 %")).toBe(
    "variant + v1.1.0 5\u00a0%",
  );
  expect(detail("ROLLBACK", "put in other words")).toBe("put in other words");
});

test("shares of the server's texts are written as the page writes them", () => {
  expect(unbroken("canary 12.34 % → 5 %")).toBe("canary 12.34\u00a0% → 5\u00a0%");
});

test("an event says who made it, and from where", () => {
  expect(eventActor(eventOf("SET", { actor: "ada", peer: "127.0.0.1" }))).toBe(
    "ada from 127.0.0.1",
  );
  expect(eventActor(eventOf("SET", { actor: "ada" }))).toBe("ada");
  expect(eventActor(eventOf("SET"))).toBe("somebody");
});

test("rollouts are alike when they answer alike", () => {
  const rollout = rolloutOf({ revision: 3, etag: "a" }, ["x", "v1.1.0", 5]);
  expect(alike(rollout, rolloutOf({ revision: 9 }, ["x", "v1.1.0", 5]))).toBe(true);
  expect(alike(rollout, rolloutOf({}, ["x", "v1.1.0", 6]))).toBe(false);
  expect(alike(rolloutOf({ seed: "s" }), rolloutOf())).toBe(false);
});

/** The state at revision n, with v1.n.0 as its stable version. */
const state = (n: number) => rolloutOf({ revision: n, stable: `v1.${n}.0` });
const set = (n: number) => eventOf("SET", { revision: n, rollout: state(n) });
const publish = (n: number, present: number) =>
  eventOf("PUBLISH", { revision: n, rollout: state(present) });
const rollback = (n: number, to: number) =>
  eventOf("ROLLBACK", { revision: n, restoredRevision: to, rollout: state(n) });

test("a publication mostly sets no rollout", () => {
  expect([publish(1, 1), publish(2, 1), set(3), rollback(4, 1)].map(setsRollout)).toEqual([
    true,
    false,
    true,
    true,
  ]);
});

describe("what undoing leads to", () => {
  const back = (present: number, ...events: Parameters<typeof previousRollout>[0]) => {
    const target = previousRollout([...events].reverse(), state(present));
    return target && [target.revision, target.rollout?.stable];
  };

  test("is the rollout that was in force before, whatever was published meanwhile", () => {
    expect(back(2, publish(1, 1), set(2))).toEqual([1, "v1.1.0"]);
    expect(back(4, publish(1, 1), set(2), publish(3, 2), set(4))).toEqual([2, "v1.2.0"]);
    expect(back(2, publish(1, 1), set(2), publish(3, 2))).toEqual([1, "v1.1.0"]);
  });

  test("goes further back after a rollback", () => {
    expect(back(4, publish(1, 1), set(2), set(3), rollback(4, 2))).toEqual([1, "v1.1.0"]);
    const events = [publish(1, 1), set(2), set(3), rollback(4, 2), rollback(5, 1)];
    expect(back(5, ...events)).toBeUndefined();
    expect(back(5, set(1), set(2), set(3), rollback(4, 3), rollback(5, 4))).toEqual([2, "v1.2.0"]);
  });

  test("is nothing where nobody set a rollout, or the first publication did", () => {
    expect(back(0)).toBeUndefined();
    expect(back(0, publish(1, 0))).toBeUndefined();
    expect(back(1, publish(1, 1), publish(2, 1))).toBeUndefined();
  });

  test("is left to the server where the page does not know it", () => {
    expect(back(1, set(1))).toEqual([0, undefined]);
    expect(back(9, set(9))).toEqual([0, undefined]);
    expect(back(2, publish(1, 0), set(2))).toEqual([0, "v1.0.0"]);
  });
});
