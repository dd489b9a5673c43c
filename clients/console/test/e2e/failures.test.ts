import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Browser, Request } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { emptyPage, fill, predicted, startBrowser, visit } from "./browser.js";
import { type Sepal, startAgain, startSepal, testdata } from "./sepal.js";
import { attribute, count, focused, text, texts, visible } from "./shown.js";

let browser: Browser;
let folder: string;

beforeAll(async () => {
  browser = await startBrowser();
  folder = mkdtempSync(join(tmpdir(), "sepal-console-"));
});

afterAll(async () => {
  await browser?.close();
  if (folder) rmSync(folder, { recursive: true });
});

async function withSepal(
  environment: Record<string, string>,
  run: (sepal: Sepal) => Promise<void>,
): Promise<void> {
  const sepal = await startSepal(environment);
  try {
    await run(sepal);
  } finally {
    await sepal.stop();
  }
}

const loan = { MODEL_PATH: testdata("models"), SEPAL_DEFAULT_MODEL: "iris" };

test("categories are chosen from a list, and missing values are stood in for", () =>
  withSepal(loan, async ({ url }) => {
    const { page, complaints } = await visit(browser, `${url}/?model=loan`);
    await text(page.locator("h1")).toContain("loan");
    const command = page.locator(".snippet code");
    await page.getByLabel("Employment").selectOption({ label: "unemployed" });
    const details = page.locator(".contribution .detail");
    await text(command).toContain('"employment": "unemployed"');
    await text(details.nth(1)).toBe("unemployed");
    await page.getByLabel("Employment").selectOption({ label: "missing" });
    await fill(page, { "Income eur": "" });
    await text(command).toContain('"income_eur": null');
    await texts(details).toEqual([
      "30000 EUR per year (stand-in)",
      "employed (stand-in)",
      expect.any(String),
    ]);
    await count(page.locator("[aria-invalid]")).toBe(0);
    expect(complaints).toEqual([]);
  }));

test("names that a shell would trip over are quoted in the command", async () => {
  const name = `applicant's "age" $HOME`;
  const model = readFileSync(testdata("models/loan/v1.0.0/model.json"), "utf8");
  const renamed = JSON.parse(model);
  renamed.signature.features.at(-1).name = name;
  const version = join(folder, "loan", "v1.0.0");
  mkdirSync(version, { recursive: true });
  writeFileSync(join(version, "model.json"), JSON.stringify(renamed));
  await withSepal({ MODEL_PATH: folder }, async ({ url }) => {
    const { page } = await visit(browser, url);
    const command = await page.locator(".snippet code").textContent();
    expect(command).toContain(String.raw`applicant'\''s`);
    const out = execFileSync("/bin/sh", ["-c", command ?? ""], { encoding: "utf8", stdio: "pipe" });
    expect(JSON.parse(out).prediction).toBe(await page.locator(".prediction").textContent());
  });
});

test("what the server says about a field stands next to its input", () =>
  withSepal({}, async ({ url }) => {
    const { page } = await visit(browser, url);
    // On the way, one name loses its last letter to another: the server misses the feature.
    await page.route("**/Predict", async (route) => {
      const body = route.request().postDataBuffer() ?? Buffer.alloc(0);
      const at = body.indexOf("sepal_width_cm");
      expect(at).toBeGreaterThan(0);
      body.write("sepal_width_cX", at);
      await route.continue({ postData: body });
    });
    await page.getByRole("button", { name: "Predict" }).click();
    const error = page.locator("#f1-error");
    await error.waitFor();
    await text(error).not.toBe("");
    await attribute(page.locator("#f1"), "aria-invalid").toBe("true");
    await count(page.locator("[aria-invalid]")).toBe(1);
    await focused(page).toBe("f1");
  }));

test("a server that is gone is told in a banner, and asked again on request", async () => {
  const first = await startSepal();
  const { page } = await visit(browser, first.url);
  await first.stop();
  await fill(page, { "Petal length": "1.4", "Petal width": "0.2" });
  const notice = page.getByRole("alert").locator(".notice");
  await notice.getByText("not available").waitFor();
  await visible(page.locator("form")).toBe(true);
  const second = await startAgain(first);
  try {
    await notice.getByRole("button", { name: "Try again" }).click();
    await predicted(page, "setosa");
    await notice.waitFor({ state: "detached" });
  } finally {
    await second.stop();
  }
});

test("a model that cannot be loaded leaves a page that says why and tries again", () =>
  withSepal({}, async ({ url }) => {
    const page = await emptyPage(browser);
    await page.route("**/GetVersion", (route) => route.abort());
    await page.goto(url);
    const notice = page.getByRole("alert").locator(".notice");
    await notice.getByText("not available").waitFor();
    await text(page.locator("body")).toContain("Sepal");
    await page.unroute("**/GetVersion");
    await notice.getByRole("button", { name: "Try again" }).click();
    await page.locator("form").waitFor();
    await notice.waitFor({ state: "detached" });
  }));

test("a version that there is not is told with what there is", () =>
  withSepal({}, async ({ url }) => {
    const { page } = await visit(browser, `${url}/?version=v9.9.9`, { predicts: false });
    const notice = page.getByRole("alert").locator(".notice p");
    await text(notice).toContain("v9.9.9");
    await text(notice).toContain("v1.0.0");
  }));

test("the last answer wins, whatever order answers come in", () =>
  withSepal({}, async ({ url }) => {
    const { page } = await visit(browser, url);
    let release = (): void => undefined;
    const slow = new Promise<void>((resolve) => {
      release = resolve;
    });
    const held: Request[] = [];
    let holds = true;
    await page.route("**/Predict", async (route) => {
      if (holds) {
        held.push(route.request());
        await slow;
      }
      await route.continue().catch(() => undefined);
    });
    await fill(page, { "Petal length": "6.0", "Petal width": "2.5" });
    await expect.poll(() => held.length).toBeGreaterThan(0);
    holds = false;
    await fill(page, { "Petal length": "1.4", "Petal width": "0.2" });
    await predicted(page, "setosa");
    release();
    for (const request of held) await (await request.response())?.finished();
    // What an answer changes, it changes before the next frame but one.
    await page.evaluate(
      () => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done))),
    );
    expect(await page.locator(".prediction").textContent()).toBe("setosa");
  }));
