import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createSepalClient } from "@sepal-ml/client";
import type { Browser } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { startBrowser, type Visit, visit } from "./browser.js";
import { startSepal, testdata } from "./sepal.js";
import { count, text } from "./shown.js";

let browser: Browser;
let folder: string;

beforeAll(async () => {
  browser = await startBrowser();
  folder = mkdtempSync(join(tmpdir(), "sepal-registries-"));
});

afterAll(async () => {
  await browser?.close();
  if (folder) rmSync(folder, { recursive: true });
});

/** Serves what a path names, and opens a part of the page. */
async function at(
  path: string,
  where: string,
  run: (seen: Visit & { url: string }) => Promise<void>,
): Promise<void> {
  const sepal = await startSepal(path === "" ? {} : { MODEL_PATH: path });
  try {
    const predicts = !where.includes("#models");
    const seen = await visit(browser, `${sepal.url}/${where}`, { predicts });
    await run({ ...seen, url: sepal.url });
  } finally {
    await sepal.stop();
  }
}

/** Writes a version of loan, with what is changed in it. */
function writeLoan(registry: string, version: string, change: (model: Model) => void): void {
  const text = readFileSync(testdata("models/loan/v1.0.0/model.json"), "utf8");
  const model: Model = { ...JSON.parse(text), version };
  change(model);
  const place = join(registry, "loan", version);
  mkdirSync(place, { recursive: true });
  writeFileSync(join(place, "model.json"), JSON.stringify(model));
}

interface Model {
  version: string;
  classes: string[];
  signature: { features: { name: string }[] };
}

test.each([
  ["the built-in model", ""],
  ["a single file", "models/iris/v1.0.0/model.binpb"],
])("%s is read-only, which is told in place of buttons", (_, path) =>
  at(path && testdata(path), "#models", async ({ page, complaints }) => {
    await page.getByText("read-only: versions are published to a folder or a bucket").waitFor();
    await count(page.locator("#models-view .card .buttons button")).toBe(0);
    expect(complaints).toEqual([]);
  }),
);

test("a model without a version that could answer says so", () => {
  const registry = join(folder, "broken");
  writeLoan(registry, "v1.0.0", () => undefined);
  return at(registry, "#models", async ({ page, complaints, url }) => {
    await page.getByRole("heading", { name: "History" }).waitFor();
    mkdirSync(join(registry, "other", "v1.0.0"), { recursive: true });
    writeFileSync(join(registry, "other", "v1.0.0", "model.json"), "{}");
    await createSepalClient({ baseUrl: url, protocol: "connect" }).reload();
    await page.goto(`${url}/?model=other#models`);
    await page.getByText("No version can answer").waitFor();
    await text(page.locator("h1:visible")).toBe("other");
    await count(page.locator(".track.split")).toBe(0);
    await count(page.getByRole("button", { name: "Split traffic" })).toBe(0);
    expect(complaints).toEqual([]);
  });
});

test("a promotion to another signature is warned of before it is confirmed", () => {
  const registry = join(folder, "renamed");
  writeLoan(registry, "v1.0.0", (model) => {
    const last = model.signature.features.at(-1);
    if (last) last.name = "renamed";
  });
  writeLoan(registry, "v1.1.0", () => undefined);
  writeLoan(registry, "v1.2.0-rc.1", () => undefined);
  return at(registry, "#models", async ({ page, complaints }) => {
    const dialog = page.getByRole("dialog");
    for (const name of ["Promote v1.0.0", "Split to v1.0.0"]) {
      await page.getByRole("button", { name, exact: true }).click();
      await dialog.getByText("v1.0.0 does not take or answer the same as v1.1.0").waitFor();
      await text(dialog.locator(".breaks")).toContain("“renamed” is new");
      await dialog.getByRole("button", { name: "Cancel" }).click();
      await dialog.waitFor({ state: "detached" });
    }
    await page.getByRole("button", { name: "Promote v1.2.0-rc.1", exact: true }).click();
    await dialog.getByText("becomes the stable version").waitFor();
    await count(dialog.locator(".warning")).toBe(0);
    expect(complaints).toEqual([]);
  });
});

test("a model fitted one class against the rest is explained by its own log-odds", () =>
  at(
    testdata("models-elsewhere/sklearn/ovr_liblinear_sk1.2.1.joblib"),
    "",
    async ({ page, complaints }) => {
      const why = page.locator(".why");
      await why.getByText("Fitted one class against the rest").waitFor();
      await text(why).toContain("rather than the rest");
      await text(why).not.toContain("as likely as");
      await text(why).not.toContain("mean training row");
      expect(complaints).toEqual([]);
    },
  ));

test("the code of the models view is loaded when it is looked at", () =>
  at("", "", async ({ page, complaints }) => {
    const scripts = () =>
      page.evaluate(
        () =>
          performance.getEntriesByType("resource").filter(({ name }) => name.endsWith(".js"))
            .length,
      );
    await expect.poll(scripts).toBe(1);
    await page.getByRole("link", { name: "Models" }).click();
    await page.getByRole("heading", { name: "History" }).waitFor();
    await expect.poll(scripts).toBe(2);
    expect(complaints).toEqual([]);
  }));

test("code that cannot be loaded is told, and asked for again on request", () =>
  at("", "", async ({ page }) => {
    await page.route("**/assets/view-*.js", (route) => route.abort());
    await page.getByRole("link", { name: "Models" }).click();
    const notice = page.locator("#models-view .notice");
    await notice.getByText("could not be loaded").waitFor();
    await page.unroute("**/assets/view-*.js");
    await notice.getByRole("button", { name: "Try again" }).click();
    await page.getByRole("heading", { name: "History" }).waitFor();
  }));
