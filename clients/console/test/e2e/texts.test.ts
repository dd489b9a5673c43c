import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { startBrowser, visit } from "./browser.js";
import { type Sepal, startSepal, testdata } from "./sepal.js";
import { attribute, count, focused, text, texts, value, visible, width } from "./shown.js";

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
const asked = (page: Page) =>
  expect.poll(async () => {
    const command = (await page.locator(".snippet code").textContent()) ?? "";
    const body = command.slice(command.indexOf("{"), command.lastIndexOf("}") + 1);
    return JSON.parse(body.replaceAll("'\\''", "'")).inputs.city;
  });

/** What the explanation says that the city counts as. */
const taken = (page: Page) =>
  text(page.locator(".contribution", { hasText: "City" }).locator(".detail"));

test("a list says what any other text counts as, and takes one", async () => {
  const { page, complaints } = await visit(browser, sepal.url);
  const list = page.getByLabel("City", { exact: true });
  const other = page.getByLabel("City, another text");
  const warning = page.locator("#f3-warning");
  await texts(list.locator("option")).toEqual([
    ...["faro", "graz", "kiel", "lyon", "oslo", "other"],
    "missing",
    another,
  ]);
  await text(page.locator("#f3-hint")).toContain("any other text counts as “other”");
  await visible(other).toBe(false);

  await list.selectOption({ label: another });
  await other.fill(" São Paulo's ");
  await text(warning).toBe("None of the categories: it counts as “other”.");
  await asked(page).toBe(" São Paulo's ");
  await taken(page).toBe("other");

  await other.fill("oslo");
  await taken(page).toBe("oslo");
  await visible(warning).toBe(false);

  await list.selectOption("graz");
  await visible(other).toBe(false);
  await asked(page).toBe("graz");

  await list.selectOption({ label: "missing" });
  await asked(page).toBe(null);
  await taken(page).toBe("lyon (stand-in)");
  expect(complaints).toEqual([]);
});

test("a feature without such a category has its list alone", async () => {
  const { page } = await visit(browser, sepal.url);
  const list = page.getByLabel("Plan", { exact: true });
  await texts(list.locator("option")).not.toContain(another);
  await count(page.getByLabel("Plan, another text")).toBe(0);
});

test("the keyboard is enough, and a text that is missing is asked for where it goes", async () => {
  const { page, complaints } = await visit(browser, sepal.url);
  const list = page.getByLabel("City", { exact: true });
  const other = page.getByLabel("City, another text");
  await list.focus();
  // One key: of several, those that come late begin another search of the list.
  await page.keyboard.press("a");
  await visible(other).toBe(true);
  await focused(page).toBe("f3");

  await page.keyboard.press("Tab");
  await focused(page).toBe("f3-other");
  await page.keyboard.press("Enter");
  await attribute(other, "aria-invalid").toBe("true");
  await attribute(list, "aria-invalid").toBeNull();
  await text(page.locator("#f3-error")).toMatch(/^Type a text/);
  await attribute(other, "aria-describedby").toContain("f3-error");
  await visible(page.locator(".stale-note")).toBe(true);
  await page.locator(".summary a").click();
  await focused(page).toBe("f3-other");

  await page.keyboard.type("bergen");
  await attribute(other, "aria-invalid").toBeNull();
  await asked(page).toBe("bergen");
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
  await value(page.getByLabel("City, another text")).toBe("bergen");
  await taken(page).toBe("other");
});

test.each([
  ["light", 1200],
  ["dark", 320],
] as const)("in %s at %d pixels nothing sticks out sideways", async (colorScheme, pixels) => {
  const { page } = await visit(browser, sepal.url, {
    colorScheme,
    viewport: { width: pixels, height: 640 },
  });
  await page.getByLabel("City", { exact: true }).selectOption({ label: another });
  await page.getByLabel("City, another text").fill("bergen ".repeat(40));
  await taken(page).toBe("other");
  await width(page).toBe(pixels);
});
