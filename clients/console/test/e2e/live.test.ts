import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createSepalClient, type SepalClient } from "@sepal-ml/client";
import type { Browser, Locator, Page } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { startBrowser, type Visit, visit } from "./browser.js";
import { runSepal, startSepal, testdata } from "./sepal.js";

let browser: Browser;
let folder: string;

beforeAll(async () => {
  browser = await startBrowser();
  folder = mkdtempSync(join(tmpdir(), "sepal-live-"));
});

afterAll(async () => {
  await browser?.close();
  if (folder) rmSync(folder, { recursive: true });
});

interface Scene {
  url: string;
  client: SepalClient;
  /** Opens the live view, and waits until it says something about drift. */
  open(options?: Parameters<typeof visit>[2] & { query?: string }): Promise<Visit>;
}

/** Serves models; an empty path is the built-in one. */
async function serving(path: string, run: (scene: Scene) => Promise<void>): Promise<void> {
  const sepal = await startSepal(path === "" ? {} : { MODEL_PATH: path, ...several(path) });
  try {
    const { url } = sepal;
    await run({
      url,
      client: createSepalClient({ baseUrl: url, protocol: "connect" }),
      open: async ({ query = "", ...options } = {}) => {
        const seen = await visit(browser, `${url}/${query}#live`, { ...options, predicts: false });
        await verdict(seen.page).waitFor();
        return seen;
      },
    });
  } finally {
    await sepal.stop();
  }
}

/** Which model is the default one where there are several. */
function several(path: string): Record<string, string> {
  return path === testdata("models") ? { SEPAL_DEFAULT_MODEL: "iris" } : {};
}

const verdict = (page: Page): Locator => page.locator(".verdict:not(:empty)");

const flowers = readFileSync(testdata("datasets/iris.csv"), "utf8")
  .trim()
  .split("\n")
  .slice(1)
  .map((line) => line.split(",").slice(0, 4).map(Number));

/** The training rows twice over, with petals that are longer by so many cm. */
function rowsWith(longer: number): { columns: number; values: number[] } {
  const rows = [...flowers, ...flowers];
  const values = rows.flatMap(([a = 0, b = 0, c = 0, d = 0]) => [a, b, c + longer, d]);
  return { columns: 4, values };
}

/** Waits until the server tells of a step of time in which it answered. */
async function told(client: SepalClient): Promise<void> {
  const answered = async () =>
    (await client.getActivity()).activity?.points.some((point) => point.predictions > 0n);
  await expect.poll(answered, { timeout: 15_000, interval: 500 }).toBe(true);
}

/** Waits until the reports, which are not made anew for every call, are of so many rows. */
async function reported(client: SepalClient, rows: bigint): Promise<void> {
  const counted = async () => (await client.getDriftReport()).report?.rows;
  await expect.poll(counted, { timeout: 15_000, interval: 200 }).toBe(rows);
}

test("a server that was asked nothing says so", () =>
  serving("", async ({ open }) => {
    const { page, complaints } = await open();
    expect(await page.title()).toBe("Live · Sepal");
    expect(await verdict(page).textContent()).toMatch(/^Not enough data: 0 of \d+ rows\.$/);
    expect(await page.locator(".chart").count()).toBe(6);
    expect(await page.locator(".chart .line").first().getAttribute("d")).not.toMatch(/NaN/);
    const row = page.locator(".by-version tbody tr");
    expect(await row.locator("td").allTextContents()).toEqual(["0", "–", "–", "–"]);
    expect(await row.locator("th").textContent()).toContain("iris");
    expect(complaints).toEqual([]);
  }));

test("traffic is drawn, counted by version and told in a table", () =>
  serving("", async ({ client, open }) => {
    await client.batchPredict({ matrix: rowsWith(0) });
    await client.predict({ features: [1] }).catch(() => undefined);
    await told(client);
    const { page, complaints } = await open();
    for (const title of ["Requests per second", "Predictions per second"]) {
      const chart = page.locator("figure", { hasText: title });
      expect(await chart.locator(".line").getAttribute("d")).toMatch(/^M[\d. ]+(L[\d. ]+)*(h0)?$/);
      expect(await chart.getByRole("img").getAttribute("aria-label")).toMatch(/most [1-9\d]/);
    }
    const refused = page.locator("figure", { hasText: "refused and failed" });
    expect(await refused.locator(".reading strong").allTextContents()).toEqual(["1", "0"]);
    const cells = await page.locator(".by-version td").allTextContents();
    expect(cells[0]).toBe("300");
    expect(cells[1]).toMatch(/setosa 3\d\.\d\s%/);
    const widths = await page
      .locator(".by-version .split .bar")
      .evaluateAll((bars) => bars.map((bar) => bar.getBoundingClientRect().width));
    const whole = await page.locator(".by-version .split").evaluate((bar) => bar.clientWidth);
    expect(widths.reduce((sum, width) => sum + width, 0)).toBeCloseTo(whole, 0);

    await page.getByText("All numbers as a table").click();
    const rows = page.locator(".scroll tbody tr");
    const { activity } = await client.getActivity();
    expect(await rows.count()).toBeGreaterThan(0);
    expect(await rows.count()).toBeLessThanOrEqual(activity?.points.length ?? 0);
    const counted = await page.locator(".scroll tbody td:nth-child(3)").allTextContents();
    expect(counted.some((text) => text === "60")).toBe(true);
    expect(complaints).toEqual([]);
  }));

test("the pointer picks a step, whose numbers stand above the charts", () =>
  serving("", async ({ client, open }) => {
    await client.batchPredict({ matrix: rowsWith(0) });
    await told(client);
    const { page } = await open();
    const readings = page.locator(".readings strong");
    const plot = page.locator(".plot").first();
    const box = await plot.boundingBox();
    if (!box) throw new Error("no chart");
    expect(await page.locator(".moment").textContent()).toBe("");
    await page.mouse.move(box.x + box.width - 2, box.y + 20);
    await expect.poll(() => page.locator(".moment").textContent()).toMatch(/^until \d/);
    expect(await page.locator(".cursor").nth(3).getAttribute("d")).toMatch(/^M\d/);
    await page.mouse.move(box.x + box.width / 2, 2);
    await expect.poll(() => page.locator(".moment").textContent()).toBe("");
    expect(await readings.first().textContent()).not.toBe("");
  }));

test("numbers that change move nothing", () =>
  serving("", async ({ client, open }) => {
    const { page } = await open();
    const places = () =>
      page
        .locator(".chart, #live-versions-title")
        .evaluateAll((parts) => parts.map((part) => part.getBoundingClientRect().toJSON()));
    const before = await places();
    await client.batchPredict({ matrix: rowsWith(1) });
    await client.predict({ features: [1] }).catch(() => undefined);
    const refused = page.locator("figure", { hasText: "refused and failed" }).locator("strong");
    await expect.poll(() => refused.first().textContent(), { timeout: 15_000 }).toBe("1");
    const { x = 0, y = 0, width = 0 } = (await page.locator(".plot").first().boundingBox()) ?? {};
    await page.mouse.move(x + width - 2, y + 10);
    await expect.poll(() => page.locator(".moment").textContent()).not.toBe("");
    expect(await places()).toEqual(before);
  }));

test("rows as in training have not drifted; shifted ones have, and say where", () =>
  serving("", async ({ client, open }) => {
    await client.batchPredict({ matrix: rowsWith(0) });
    await reported(client, 300n);
    const before = await open();
    expect(await verdict(before.page).textContent()).toBe("Nothing has drifted that matters.");
    expect(await before.page.locator(".feature .badge.danger").count()).toBe(0);
    await before.page.context().close();

    for (let i = 0; i < 4; i++) await client.batchPredict({ matrix: rowsWith(2) });
    await reported(client, 1500n);
    const { page, complaints } = await open();
    expect(await verdict(page).textContent()).toMatch(/^1 of 4 features .*ha(s|ve) drifted\.$/);
    const { report } = await client.getDriftReport();
    const hint = await page.locator(".drift > .hint").textContent();
    expect(hint).toContain("1,500 rows answered since");
    expect(hint).toContain(`beside ${report?.referenceRows} rows in training`);
    const worst = page.locator(".feature").first();
    expect(await worst.getAttribute("data-feature")).toBe("petal_length_cm");
    expect(await worst.locator("h3").textContent()).toBe("Petal length cm");
    expect(await worst.locator(".badge").textContent()).toBe("drifted");
    const drift = report?.features.find(({ feature }) => feature === "petal_length_cm");
    const psi = Number(await worst.locator(".figures strong").first().textContent());
    expect(psi).toBeCloseTo(drift?.divergence?.psi ?? Number.NaN, 1);
    const order = (report?.features ?? []).map((f) => f.divergence?.psi ?? 0);
    const shown = await page
      .locator(".feature")
      .evaluateAll((cards) => cards.map((card) => card.getAttribute("data-feature")));
    const psiOf = (name: string | null) =>
      order[(report?.features ?? []).findIndex((f) => f.feature === name)] ?? Number.NaN;
    expect(shown.map(psiOf)).toEqual([...order].sort((a, b) => b - a));

    await worst.getByText("Shares").click();
    const bins = await worst.locator("tbody tr").allTextContents();
    expect(bins).toHaveLength(drift?.shares.length ?? 0);
    expect(bins[0]).toMatch(/^below .* cm/);
    const label = await worst.getByRole("img").getAttribute("aria-label");
    expect(label).toContain("Petal length");
    expect(await page.getByText("Estimated without labels").isVisible()).toBe(true);
    expect(complaints).toEqual([]);
  }));

test("a model without a reference says that there is nothing to compare with", () =>
  serving(testdata("models"), async ({ open }) => {
    const { page, complaints } = await open({ query: "?model=loan" });
    expect(await verdict(page).textContent()).toContain("no reference profile");
    expect(await page.locator(".feature").count()).toBe(0);
    await page.getByLabel("Model", { exact: true }).selectOption("iris");
    await expect.poll(() => verdict(page).textContent()).toContain("Not enough data");
    await page.getByLabel("Version", { exact: true }).selectOption("v1.0.0");
    await expect.poll(() => page.locator(".feature").count()).toBe(4);
    expect(await page.getByLabel("Version", { exact: true }).inputValue()).toBe("v1.0.0");
    expect(complaints).toEqual([]);
  }));

test("a version that there is not is told in place, and leaves the traffic", () =>
  serving("", async ({ url }) => {
    const { page } = await visit(browser, `${url}/?version=v9.9.9#live`, { predicts: false });
    const problem = page.locator(".drift > .error");
    await problem.getByText("v9.9.9").waitFor();
    expect(await page.locator(".chart").count()).toBe(6);
    expect(await page.getByRole("alert").locator(".notice:visible").count()).toBe(0);
    await page.getByLabel("Version", { exact: true }).selectOption("");
    await verdict(page).waitFor();
    expect(await problem.isVisible()).toBe(false);
  }));

test("where a model is not there, another can be chosen", () =>
  serving(testdata("models"), async ({ url }) => {
    const { page } = await visit(browser, `${url}/?model=tulip#live`, { predicts: false });
    await page.locator(".drift > .error", { hasText: "tulip" }).waitFor();
    expect(await page.locator(".drift .badge:visible").count()).toBe(0);
    await page.getByLabel("Model", { exact: true }).selectOption("iris");
    await expect.poll(() => page.locator(".feature").count()).toBe(4);
    expect(await page.locator(".drift > .error").isVisible()).toBe(false);
  }));

test("a server that is gone is told with what is still shown, and so is its return", async () => {
  const first = await startSepal();
  const { page } = await visit(browser, `${first.url}/#live`, { predicts: false });
  await verdict(page).waitFor();
  await first.stop();
  const notice = page.locator("#live-view .notice");
  await notice.getByText(/^No answer since .* What is shown is from /).waitFor({ timeout: 15_000 });
  const said = await notice.textContent();
  expect(await page.locator(".chart").count()).toBe(6);
  expect(await verdict(page).isVisible()).toBe(true);
  const second = await startSepal({ PORT: String(first.port) });
  try {
    await notice.getByRole("button", { name: "Try again" }).click();
    await page.getByText("The server answers again.").waitFor();
    await notice.waitFor({ state: "detached" });
    expect(said).toContain("not available");
  } finally {
    await second.stop();
  }
});

/** Trains a model of many features on rows of random numbers of which the first tells the class. */
function trainWide(registry: string, columns: number): string {
  const names = Array.from({ length: columns }, (_, i) => `x${i}`);
  const rows = Array.from({ length: 120 }, (_, row) => {
    const values = names.map((_, i) => ((row * 37 + i * 101 + row * i * 13) % 97) / 97);
    return [...values, row % 2 === 0 ? "even" : "odd"].join(",");
  });
  const data = join(registry, "..", "wide.csv");
  const place = join(registry, "wide", "v1.0.0");
  mkdirSync(place, { recursive: true });
  writeFileSync(data, [[...names, "class"].join(","), ...rows].join("\n"));
  const flags = ["--label", "class", "--name", "wide", "--model-version", "v1.0.0"];
  runSepal("train", data, ...flags, "-o", join(place, "model.binpb"));
  return registry;
}

test("of many features the worst are shown, and more on request", () =>
  serving(trainWide(join(folder, "many"), 70), async ({ open }) => {
    const { page, complaints } = await open();
    expect(await page.locator(".feature").count()).toBe(30);
    await page.getByRole("button", { name: /^Show 30 more of 40 features/ }).click();
    expect(await page.locator(".feature").count()).toBe(60);
    await page.getByRole("button", { name: /^Show 10 more of 10 features/ }).press("Enter");
    expect(await page.locator(".feature").count()).toBe(70);
    expect(await page.evaluate(() => document.activeElement?.tagName)).toBe("SUMMARY");
    expect(await page.getByRole("button", { name: /^Show/ }).isVisible()).toBe(false);
    expect(complaints).toEqual([]);
  }));

/** Writes a model whose names would break a page that took them for markup. */
function writeHostile(registry: string): string {
  const text = readFileSync(testdata("models/loan/v1.0.0/model.json"), "utf8");
  const model = JSON.parse(text);
  const hostile = `<img src=x onerror="document.title='broken'">`;
  model.classes = model.classes.map((_: string, i: number) => `${hostile}${"w".repeat(120)}${i}`);
  const feature = model.signature.features.find((f: { categorical?: object }) => f.categorical);
  feature.name = `שם ${hostile}`;
  const place = join(registry, "loan", "v1.0.0");
  mkdirSync(place, { recursive: true });
  writeFileSync(join(place, "model.json"), JSON.stringify(model));
  return registry;
}

test.each([
  ["light", 1200],
  ["dark", 320],
] as const)(
  "in %s at %d pixels hostile names are text, and nothing sticks out",
  (colorScheme, width) =>
    serving(writeHostile(join(folder, `hostile-${width}`)), async ({ client, open }) => {
      const { version } = await client.getVersion();
      const inputs = Object.fromEntries(
        (version?.signature?.features ?? []).map(({ name, kind }) => [
          name,
          kind.case === "categorical" ? (kind.value.categories[0] ?? "") : 30,
        ]),
      );
      await client.predict({ inputs });
      await told(client);
      const viewport = { width, height: 640 };
      const { page, complaints } = await open({ colorScheme, viewport });
      await page.getByText("All numbers as a table").click();
      expect(await page.locator(".by-version bdi").allTextContents()).toContain(
        version?.classes[0],
      );
      expect(await page.locator("#live-view img").count()).toBe(0);
      expect(await page.title()).toBe("Live · Sepal");
      expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBe(width);
      expect(complaints).toEqual([]);
    }),
);

test("at 320 pixels drift sticks out nowhere", () =>
  serving("", async ({ client, open }) => {
    for (let i = 0; i < 2; i++) await client.batchPredict({ matrix: rowsWith(2) });
    await reported(client, 600n);
    const { page } = await open({ viewport: { width: 320, height: 640 } });
    for (const summary of await page.locator("#live-view summary").all()) await summary.click();
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBe(320);
  }));

test("it asks the contract's services alone, again and again while it is in sight", () =>
  serving("", async ({ url }) => {
    const page = await (await browser.newContext()).newPage();
    const paths: string[] = [];
    page.on("request", (request) => paths.push(new URL(request.url()).pathname));
    await page.goto(`${url}/#live`);
    await verdict(page).waitFor();
    const asked = (): number => paths.filter((path) => path.endsWith("/GetActivity")).length;
    await expect.poll(asked, { timeout: 12_000 }).toBeGreaterThan(1);
    for (const path of paths.filter((p) => !p.startsWith("/assets/"))) {
      expect(path).toMatch(/^\/(favicon\.svg|sepal\.(monitoring|registry)\.v1\..*)?$/);
    }
    await page.getByRole("link", { name: "Models" }).click();
    await page.getByRole("heading", { name: "History" }).waitFor();
    const before = asked();
    await page.waitForTimeout(6_000);
    expect(asked()).toBe(before);
  }));
