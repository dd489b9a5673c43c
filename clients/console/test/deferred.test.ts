import { afterEach, expect, test, vi } from "vitest";
import { Deferred } from "../src/deferred.js";

afterEach(() => {
  vi.unstubAllGlobals();
});

/** A deferred part whose code arrives when the test says so. */
function setUp() {
  const part = { start: vi.fn(), stop: vi.fn(), title: () => "iris" };
  const notice = { show: vi.fn(), clear: vi.fn() };
  let arrive = (): void => undefined;
  let fail = (_: Error): void => undefined;
  const code = new Promise<typeof part>((resolve, reject) => {
    arrive = () => resolve(part);
    fail = reject;
  });
  const load = vi.fn(() => code);
  const deferred = new Deferred(load, "Models", notice);
  return { deferred, part, notice, load, arrive, fail };
}

test("the code is loaded once, when it is first wanted", async () => {
  const { deferred, part, load, arrive } = setUp();
  expect(load).not.toHaveBeenCalled();
  deferred.start();
  deferred.start();
  expect(deferred.title()).toBe("Models");
  arrive();
  await vi.waitFor(() => expect(part.start).toHaveBeenCalledTimes(1));
  expect(deferred.title()).toBe("iris");
  deferred.stop();
  expect(part.stop).toHaveBeenCalledTimes(1);
  deferred.start();
  expect(part.start).toHaveBeenCalledTimes(2);
  expect(load).toHaveBeenCalledTimes(1);
});

test("what is out of sight again does not start when its code arrives", async () => {
  const { deferred, part, arrive } = setUp();
  deferred.start();
  deferred.stop();
  arrive();
  await vi.waitFor(() => expect(deferred.title()).toBe("iris"));
  expect(part.start).not.toHaveBeenCalled();
});

test("code that cannot be loaded is told, and the page is loaded anew to try again", async () => {
  const reload = vi.fn();
  vi.stubGlobal("location", { reload });
  const { deferred, notice, fail } = setUp();
  deferred.start();
  fail(new TypeError("failed to fetch"));
  await vi.waitFor(() => expect(notice.show).toHaveBeenCalledTimes(1));
  const [text, retry] = notice.show.mock.calls[0] ?? [];
  expect(text).toContain("could not be loaded");
  retry();
  expect(reload).toHaveBeenCalledTimes(1);
});
