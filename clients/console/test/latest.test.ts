import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { Latest } from "../src/latest.js";

beforeEach(() => {
  vi.useFakeTimers();
});

afterEach(() => {
  vi.useRealTimers();
});

describe("Latest", () => {
  test("runs once for events that follow each other closely", () => {
    const latest = new Latest(1000);
    const ran: string[] = [];
    for (const text of ["5", "5.", "5.1"]) {
      latest.schedule(80, () => ran.push(text));
      vi.advanceTimersByTime(50);
    }
    expect(ran).toEqual([]);
    vi.advanceTimersByTime(80);
    expect(ran).toEqual(["5.1"]);
  });

  test("runs on the way while events never pause", () => {
    const latest = new Latest(160);
    const ran: number[] = [];
    for (let i = 0; i < 40; i++) {
      latest.schedule(80, () => ran.push(i));
      vi.advanceTimersByTime(16);
    }
    expect(ran.length).toBeGreaterThanOrEqual(3);
    expect(ran).toEqual([...ran].sort((a, b) => a - b));
  });

  test("waits as long as asked even where that is longer than events may wait", () => {
    const latest = new Latest(160);
    const task = vi.fn();
    latest.schedule(700, task);
    vi.advanceTimersByTime(699);
    expect(task).not.toHaveBeenCalled();
    vi.advanceTimersByTime(1);
    expect(task).toHaveBeenCalledOnce();
  });

  test("aborts what runs when the next run starts, not before", () => {
    const latest = new Latest(160);
    let first: AbortSignal | undefined;
    latest.run((signal) => {
      first = signal;
    });
    latest.schedule(80, () => undefined);
    expect(first?.aborted).toBe(false);
    vi.advanceTimersByTime(80);
    expect(first?.aborted).toBe(true);
  });

  test("runs at once in place of what waits", () => {
    const latest = new Latest(160);
    const ran: string[] = [];
    latest.schedule(80, () => ran.push("waited"));
    latest.run(() => ran.push("at once"));
    vi.advanceTimersByTime(1000);
    expect(ran).toEqual(["at once"]);
  });

  test("drops what waits and aborts what runs when cancelled", () => {
    const latest = new Latest(160);
    const waiting = vi.fn();
    let running: AbortSignal | undefined;
    latest.run((signal) => {
      running = signal;
    });
    latest.schedule(80, waiting);
    latest.cancel();
    vi.advanceTimersByTime(1000);
    expect(waiting).not.toHaveBeenCalled();
    expect(running?.aborted).toBe(true);
  });
});
