import { expect, test } from "vitest";
import { Contact } from "../../src/live/contact.js";
import { clock } from "../../src/live/figures.js";

const [at, later, muchLater] = [1_700_000_000_000, 1_700_000_005_000, 1_700_000_060_000];

test("a server that never answered is told with the time of the first attempt", () => {
  const contact = new Contact();
  expect(contact.failed(at, "gone")).toBe(`No answer since ${clock(at)}. gone`);
  expect(contact.failed(later, "gone")).toBe(`No answer since ${clock(at)}. gone`);
  expect(contact.broken).toBe(true);
});

test("what is still shown is told with the time that it is from", () => {
  const contact = new Contact();
  contact.answered(at);
  expect(contact.broken).toBe(false);
  const text = `No answer since ${clock(later)}. What is shown is from ${clock(at)}. gone`;
  expect(contact.failed(later, "gone")).toBe(text);
  expect(contact.failed(muchLater, "gone")).toBe(text);
});

test("an answer ends it, and the next failure counts anew", () => {
  const contact = new Contact();
  contact.failed(at, "gone");
  contact.answered(later);
  expect(contact.broken).toBe(false);
  expect(contact.failed(muchLater, "gone")).toContain(`since ${clock(muchLater)}`);
});
