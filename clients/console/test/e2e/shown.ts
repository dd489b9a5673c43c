import type { Locator, Page } from "playwright-core";
import { expect } from "vitest";

// What a page shows, to expect something of. A page is never done at once with what was done to
// it, so each of these waits until it is as expected: `await text(of).toBe("setosa")`. Only what
// one look reads at a time is of one moment; what must not change is read after it has settled.

export const text = (of: Locator) => expect.poll(() => of.textContent());

export const texts = (of: Locator) => expect.poll(() => of.allTextContents());

export const count = (of: Locator) => expect.poll(() => of.count());

export const visible = (of: Locator) => expect.poll(() => of.isVisible());

export const attribute = (of: Locator, name: string) => expect.poll(() => of.getAttribute(name));

/** What stands in an input. */
export const value = (of: Locator) => expect.poll(() => of.inputValue());

export const title = (page: Page) => expect.poll(() => page.title());

/** The id of the element that has the focus. */
export const focused = (page: Page) =>
  expect.poll(() => page.evaluate(() => document.activeElement?.id));

/** How wide the page is, with all that sticks out sideways. */
export const width = (page: Page) =>
  expect.poll(() => page.evaluate(() => document.documentElement.scrollWidth));
