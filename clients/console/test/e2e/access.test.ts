import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Browser, Page, Request } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { writeCertificate, writePrincipals } from "../../../ts/test/e2e/certificate.js";
import { fill, startBrowser, visit } from "./browser.js";
import { type Sepal, startSepal, testdata } from "./sepal.js";
import { attribute, count, focused, text, visible, width } from "./shown.js";

let browser: Browser;
let folder: string;
let sepal: Sepal;
let tokens: Record<"ada" | "pat" | "kim" | "root", string>;

beforeAll(async () => {
  browser = await startBrowser();
  folder = mkdtempSync(join(tmpdir(), "sepal-access-"));
  const registry = join(folder, "registry");
  const loan = JSON.parse(readFileSync(testdata("models/loan/v1.0.0/model.json"), "utf8"));
  for (const version of ["v1.0.0", "v1.1.0"]) {
    const of = join(registry, "loan", version);
    mkdirSync(of, { recursive: true });
    writeFileSync(join(of, "model.json"), JSON.stringify({ ...loan, version }));
  }
  const scopes = { ada: "predict,read", pat: "predict", kim: "read", root: "admin" };
  const principals = writePrincipals(folder, scopes);
  tokens = principals.tokens;
  const { cert, key } = writeCertificate(folder);
  sepal = await startSepal({
    MODEL_PATH: registry,
    SEPAL_PRINCIPALS: principals.file,
    SEPAL_TLS_CERT: cert,
    SEPAL_TLS_KEY: key,
  });
});

afterAll(async () => {
  await browser?.close();
  await sepal?.stop();
  if (folder) rmSync(folder, { recursive: true });
});

/** Opens the page of the server, which asks who is there. */
const open = (path = "", options = {}) =>
  visit(browser, sepal.url + path, { predicts: false, ignoreHTTPSErrors: true, ...options });

const form = (page: Page) => page.getByRole("form", { name: "This server asks who you are" });
const field = (page: Page) => page.getByLabel("Token", { exact: true });
const forget = (page: Page) => page.getByRole("button", { name: "Forget it" });

async function give(page: Page, token: string): Promise<void> {
  await field(page).fill(token);
  await field(page).press("Enter");
}

/** Waits until the form of the model predicts. */
const predicts = (page: Page) => page.locator(".prediction:not(:text-is('…'))").waitFor();

test("who has no token is asked for it in place, by keyboard alone", async () => {
  const { page, complaints } = await open();
  await form(page).waitFor();
  await focused(page).toBe("access-token");
  await attribute(field(page), "type").toBe("password");
  await count(page.getByText("not encrypted")).toBe(0);

  await page.keyboard.press("Enter");
  await text(page.locator("#access-error")).toBe("Paste a token.");
  await page.keyboard.type("two words");
  await page.keyboard.press("Enter");
  await text(page.locator("#access-error")).toContain("no spaces");
  await focused(page).toBe("access-token");

  const before = await form(page).elementHandle();
  await give(page, "sepal_nobody");
  await expect.poll(() => before?.evaluate((made) => made.isConnected)).toBe(false);
  await text(page.locator("#access-error")).toBe("The token is not valid here.");
  await attribute(field(page), "aria-invalid").toBe("true");

  await give(page, `Bearer ${tokens.ada}`);
  await predicts(page);
  await count(form(page)).toBe(0);
  await visible(forget(page)).toBe(true);
  await text(page.locator(".snippet code")).toContain('"Authorization: Bearer $SEPAL_TOKEN"');
  expect(complaints).toEqual([]);
});

test("a token is kept for the tab, is in no address, and can be forgotten", async () => {
  const { page, complaints } = await open();
  const addresses: string[] = [];
  const unsent: string[] = [];
  page.on("request", (request: Request) => {
    addresses.push(request.url());
    const rpc = request.url().includes("/sepal.");
    if (rpc && request.headers().authorization !== `Bearer ${tokens.ada}`) {
      unsent.push(request.url());
    }
  });
  await give(page, tokens.ada);
  await predicts(page);
  await page.getByRole("link", { name: "Models" }).click();
  await page.getByRole("heading", { name: "History" }).waitFor();
  await page.getByRole("link", { name: "Live" }).click();
  await page.getByText("in flight · as of").waitFor();
  await page.getByRole("link", { name: "Predict" }).click();
  await page.reload();
  await predicts(page);
  await count(form(page)).toBe(0);
  expect(unsent).toEqual([]);
  expect(addresses.join()).not.toContain(tokens.ada);
  expect(page.url()).not.toContain(tokens.ada);
  const everywhere = await page.evaluate(() => JSON.stringify(localStorage) + document.cookie);
  expect(everywhere).not.toContain(tokens.ada);

  const other = await page.context().newPage();
  await other.goto(sepal.url);
  await form(other).waitFor();

  await forget(page).click();
  await form(page).waitFor();
  expect(await page.evaluate(() => JSON.stringify(sessionStorage))).not.toContain(tokens.ada);
  expect(complaints).toEqual([]);
});

test("a token that is good no longer is asked for anew, and nothing typed is lost", async () => {
  const { page } = await open();
  await give(page, tokens.ada);
  await predicts(page);
  await page.getByLabel("Age").and(page.locator("input[type=number]")).fill("41");
  // What the server gets from now on is another's.
  await page.route("**/Predict", (route) =>
    route.continue({ headers: { ...route.request().headers(), authorization: "Bearer gone" } }),
  );
  await page.getByLabel("Income eur").and(page.locator("input[type=number]")).fill("12000");
  await form(page).waitFor();
  await page.unroute("**/Predict");
  await give(page, tokens.root);
  await count(form(page)).toBe(0);
  await text(page.locator(".contribution", { hasText: "Income" }).locator(".detail")).toContain(
    "12000",
  );
  await text(page.locator(".contribution", { hasText: "Age" }).locator(".detail")).toContain("41");
});

test("what a token lacks is said, with what works without it", async () => {
  const notice = (page: Page) => page.locator(".view:not([hidden]) .notice, #notice .notice");
  const { page: reader, complaints } = await open();
  await give(reader, tokens.kim);
  await notice(reader).getByText("Your token lacks the scope “predict”").waitFor();
  await text(notice(reader)).toContain("Models and Live work");
  await reader.getByRole("link", { name: "Models" }).click();
  await reader.getByRole("heading", { name: "History" }).waitFor();
  await reader.getByRole("button", { name: "Promote v1.0.0", exact: true }).click();
  await reader.getByRole("dialog").getByRole("button", { name: "Promote", exact: true }).click();
  await text(reader.getByRole("dialog").getByRole("alert")).toContain(
    "Your token lacks the scope “admin”. Without it, you can look at all views, and change nothing.",
  );

  const { page: caller } = await open();
  await give(caller, tokens.pat);
  await notice(caller).getByText("Your token lacks the scope “read”").waitFor();
  await text(notice(caller)).toContain("no view of this page works");
  await forget(caller).click();
  await give(caller, tokens.root);
  await predicts(caller);
  expect(complaints).toEqual([]);
});

test("over TLS the page speaks HTTP/2", async () => {
  const { page, complaints } = await open();
  expect(page.url()).toMatch(/^https:/);
  await give(page, tokens.ada);
  await predicts(page);
  const protocols = () =>
    page.evaluate(() =>
      performance
        .getEntriesByType("resource")
        .filter(({ name }) => name.includes("/sepal."))
        .map((entry) => (entry as PerformanceResourceTiming).nextHopProtocol),
    );
  await expect.poll(protocols).toContain("h2");
  expect(new Set(await protocols())).toEqual(new Set(["h2"]));
  expect(complaints).toEqual([]);
});

test("over a limit it is said when the page tries again, which it does once by itself", async () => {
  const limited = await startSepal({ SEPAL_RATE_LIMIT: "2/h" });
  try {
    const { page } = await visit(browser, limited.url, {
      prepare: (page) => page.clock.install(),
    });
    const asked: string[] = [];
    page.on("request", (request) => {
      if (request.url().endsWith("/Predict")) asked.push(request.url());
    });
    await fill(page, { "Petal length cm": "4.9" });
    const later = page.locator("#later");
    await text(later).toMatch(
      /^The server says: too many requests\. It is asked again at \d+:\d\d/,
    );
    expect(asked).toHaveLength(1);
    await page.clock.fastForward("30:00");
    const notice = page.getByRole("alert").locator(".notice");
    await notice.getByText("too many requests").waitFor();
    await text(notice).toMatch(/try again in \d/);
    await text(later).toBe("");
    expect(asked).toHaveLength(2);
    await notice.getByRole("button", { name: "Try again" }).waitFor();
  } finally {
    await limited.stop();
  }
});

test.each([
  ["light", 1200],
  ["dark", 320],
] as const)("in %s at %d pixels nothing sticks out sideways", async (colorScheme, pixels) => {
  const { page } = await open("", { colorScheme, viewport: { width: pixels, height: 640 } });
  await form(page).waitFor();
  await width(page).toBe(pixels);
  await give(page, tokens.kim);
  await page.getByText("Your token lacks the scope").waitFor();
  await width(page).toBe(pixels);
});

test("without TLS this machine alone is asked without a warning", async () => {
  const { file } = writePrincipals(mkdtempSync(join(folder, "plain-")), { ada: "read" });
  const plain = await startSepal({ SEPAL_PRINCIPALS: file });
  try {
    const { page } = await visit(browser, plain.url, { predicts: false });
    await form(page).waitFor();
    await count(page.getByText("not encrypted")).toBe(0);
    // The browser takes any name for this machine.
    const other = await browser.newContext();
    try {
      const elsewhere = await other.newPage();
      await elsewhere.route("http://sepal.test/**", async (route) => {
        const url = route.request().url().replace("http://sepal.test", plain.url);
        const { host: _, ...headers } = route.request().headers();
        await route.fulfill({ response: await route.fetch({ url, headers }) });
      });
      await elsewhere.goto("http://sepal.test/");
      await form(elsewhere).getByText("This connection is not encrypted").waitFor();
    } finally {
      await other.close();
    }
  } finally {
    await plain.stop();
  }
});
