import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { Poll } from "../src/poll.js";

beforeEach(() => {
  vi.useFakeTimers();
});

afterEach(() => {
  vi.useRealTimers();
});

/** A page that can be put out of sight, and a poll that counts its runs. */
function setUp(task: () => Promise<void> = async () => undefined) {
  const page = Object.assign(new EventTarget(), {
    visibilityState: "visible" as DocumentVisibilityState,
  });
  const signals: AbortSignal[] = [];
  const poll = new Poll((signal) => {
    signals.push(signal);
    return task();
  }, page as Document);
  const turn = (state: DocumentVisibilityState): void => {
    page.visibilityState = state;
    page.dispatchEvent(new Event("visibilitychange"));
  };
  return { poll, signals, turn };
}

test("runs at once and again after each pause, until it is stopped", async () => {
  const { poll, signals } = setUp();
  poll.start();
  expect(signals).toHaveLength(1);
  await vi.advanceTimersByTimeAsync(15_000);
  expect(signals).toHaveLength(4);
  poll.stop();
  await vi.advanceTimersByTimeAsync(60_000);
  expect(signals).toHaveLength(4);
});

test("rests while the page is out of sight, and runs as soon as it is back", async () => {
  const { poll, signals, turn } = setUp();
  turn("hidden");
  poll.start();
  await vi.advanceTimersByTimeAsync(60_000);
  expect(signals).toHaveLength(0);
  turn("visible");
  expect(signals).toHaveLength(1);
  await vi.advanceTimersByTimeAsync(1_000);
  turn("hidden");
  await vi.advanceTimersByTimeAsync(60_000);
  expect(signals).toHaveLength(1);
  poll.stop();
  turn("visible");
  expect(signals).toHaveLength(1);
});

test("a slow run is not overtaken by the next, but by one that is asked for", async () => {
  let end = (): void => undefined;
  const { poll, signals } = setUp(
    () =>
      new Promise((resolve) => {
        end = resolve;
      }),
  );
  poll.start();
  await vi.advanceTimersByTimeAsync(60_000);
  expect(signals).toHaveLength(1);
  const asked = poll.now();
  expect(signals.map((s) => s.aborted)).toEqual([true, false]);
  end();
  await asked;
  await vi.advanceTimersByTimeAsync(5_000);
  expect(signals).toHaveLength(3);
});
