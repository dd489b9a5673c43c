import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { startBrowser, visit } from "./browser.js";
import { type Sepal, startSepal, testdata } from "./sepal.js";

let sepal: Sepal;
let browser: Browser;

beforeAll(async () => {
  sepal = await startSepal({ MODEL_PATH: testdata("models-reported/customers.json") });
  browser = await startBrowser();
});

afterAll(async () => {
  await browser?.close();
  await sepal?.stop();
});

const another = "another text…";

/** What the command asks for of the city. */
async function asked(page: Page): Promise<unknown> {
  const command = (await page.locator(".snippet code").textContent()) ?? "";
  const body = command.slice(command.indexOf("{"), command.lastIndexOf("}") + 1);
  return JSON.parse(body.replaceAll("'\\''", "'")).inputs.city;
}

/** What the explanation says that the city counts as. */
const taken = (page: Page): Promise<string | null> =>
  page.locator(".contribution", { hasText: "City" }).locator(".detail").textContent();

test("a list says what any other text counts as, and takes one", async () => {
  const { page, complaints } = await visit(browser, sepal.url);
  const list = page.getByLabel("City", { exact: true });
  const text = page.getByLabel("City, another text");
  const warning = page.locator("#f3-warning");
  expect(await list.locator("option").allTextContents()).toEqual([
    ...["faro", "graz", "kiel", "lyon", "oslo", "other"],
    "missing",
    another,
  ]);
  expect(await page.locator("#f3-hint").textContent()).toContain(
    "any other text counts as “other”",
  );
  expect(await text.isVisible()).toBe(false);

  await list.selectOption({ label: another });
  await text.fill(" São Paulo's ");
  expect(await warning.textContent()).toBe("None of the categories: it counts as “other”.");
  await expect.poll(() => asked(page)).toBe(" São Paulo's ");
  await expect.poll(() => taken(page)).toBe("other");

  await text.fill("oslo");
  await expect.poll(() => taken(page)).toBe("oslo");
  expect(await warning.isVisible()).toBe(false);

  await list.selectOption("graz");
  expect(await text.isVisible()).toBe(false);
  await expect.poll(() => asked(page)).toBe("graz");

  await list.selectOption({ label: "missing" });
  await expect.poll(() => asked(page)).toBe(null);
  await expect.poll(() => taken(page)).toBe("lyon (stand-in)");
  expect(complaints).toEqual([]);
});

test("a feature without such a category has its list alone", async () => {
  const { page } = await visit(browser, sepal.url);
  const list = page.getByLabel("Plan", { exact: true });
  expect(await list.locator("option").allTextContents()).not.toContain(another);
  expect(await page.getByLabel("Plan, another text").count()).toBe(0);
});

test("the keyboard is enough, and a text that is missing is asked for where it goes", async () => {
  const { page, complaints } = await visit(browser, sepal.url);
  const list = page.getByLabel("City", { exact: true });
  const text = page.getByLabel("City, another text");
  const focused = () => page.evaluate(() => document.activeElement?.id);
  await list.focus();
  await page.keyboard.type("anot");
  await expect.poll(() => text.isVisible()).toBe(true);
  expect(await focused()).toBe("f3");

  await page.keyboard.press("Tab");
  expect(await focused()).toBe("f3-other");
  await page.keyboard.press("Enter");
  await expect.poll(() => text.getAttribute("aria-invalid")).toBe("true");
  expect(await list.getAttribute("aria-invalid")).toBeNull();
  expect(await page.locator("#f3-error").textContent()).toMatch(/^Type a text/);
  expect(await text.getAttribute("aria-describedby")).toContain("f3-error");
  expect(await page.locator(".stale-note").isVisible()).toBe(true);
  await page.locator(".summary a").click();
  expect(await focused()).toBe("f3-other");

  await page.keyboard.type("bergen");
  await expect.poll(() => text.getAttribute("aria-invalid")).toBeNull();
  await expect.poll(() => asked(page)).toBe("bergen");
  expect(complaints).toEqual([]);
});

test("a text outlives the form it was typed into", async () => {
  const { page } = await visit(browser, sepal.url);
  // On the way, the version becomes one that is gone: the model is to be loaded again.
  await page.route("**/Predict", async (route) => {
    const body = route.request().postDataBuffer() ?? Buffer.alloc(0);
    body.write("v9", body.indexOf("v1.0.0"));
    await route.continue({ postData: body });
  });
  await page.getByLabel("City", { exact: true }).selectOption({ label: another });
  await page.getByLabel("City, another text").fill("bergen");
  const notice = page.getByRole("alert").locator(".notice");
  await notice.getByText("v9.0.0").waitFor();
  await page.unroute("**/Predict");
  const before = await page.locator("form").elementHandle();
  await notice.getByRole("button", { name: "Try again" }).click();
  await expect.poll(() => before?.evaluate((form) => form.isConnected)).toBe(false);
  expect(await page.getByLabel("City, another text").inputValue()).toBe("bergen");
  await expect.poll(() => taken(page)).toBe("other");
});

test.each([
  ["light", 1200],
  ["dark", 320],
] as const)("in %s at %d pixels nothing sticks out sideways", async (colorScheme, width) => {
  const { page } = await visit(browser, sepal.url, {
    colorScheme,
    viewport: { width, height: 640 },
  });
  await page.getByLabel("City", { exact: true }).selectOption({ label: another });
  await page.getByLabel("City, another text").fill("bergen ".repeat(40));
  await expect.poll(() => taken(page)).toBe("other");
  expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBe(width);
});
