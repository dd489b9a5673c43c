import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createSepalClient, type SepalClient } from "@sepal-ml/client";
import type { Browser, Locator, Page } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { emptyPage, startBrowser, type Visit, type VisitOptions, visit } from "./browser.js";
import { runSepal, startAgain, startSepal, testdata } from "./sepal.js";
import { attribute, count, text, texts, title, value, visible, width } from "./shown.js";

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
  open(options?: VisitOptions & { query?: string }): Promise<Visit>;
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

/** Waits until the server tells of steps of time in which there was something. */
async function told(client: SepalClient, ...what: ("predictions" | "refused")[]): Promise<void> {
  const all = async () => {
    const points = (await client.getActivity()).activity?.points ?? [];
    return what.every((field) => points.some((point) => point[field] > 0n));
  };
  await expect.poll(all, { interval: 500 }).toBe(true);
}

/** Waits until the reports, which are not made anew for every call, are of so many rows. */
async function reported(client: SepalClient, rows: bigint): Promise<void> {
  const counted = async () => (await client.getDriftReport()).report?.rows;
  await expect.poll(counted, { interval: 200 }).toBe(rows);
}

test("a server that was asked nothing says so", () =>
  serving("", async ({ open }) => {
    const { page, complaints } = await open();
    await title(page).toBe("Live · Sepal");
    await text(verdict(page)).toMatch(/^Not enough data: 0 of \d+ rows\.$/);
    await count(page.locator(".chart")).toBe(6);
    await attribute(page.locator(".chart .line").first(), "d").not.toMatch(/NaN/);
    const row = page.locator(".by-version tbody tr");
    await texts(row.locator("td")).toEqual(["0", "–", "–", "–"]);
    await text(row.locator("th")).toContain("iris");
    expect(complaints).toEqual([]);
  }));

test("traffic is drawn, counted by version and told in a table", () =>
  serving("", async ({ client, open }) => {
    await client.batchPredict({ matrix: rowsWith(0) });
    await client.predict({ features: [1] }).catch(() => undefined);
    await told(client, "predictions", "refused");
    const { page, complaints } = await open();
    for (const title of ["Requests per second", "Predictions per second"]) {
      const chart = page.locator("figure", { hasText: title });
      await attribute(chart.locator(".line"), "d").toMatch(/^M[\d. ]+(L[\d. ]+)*(h0)?$/);
      await attribute(chart.getByRole("img"), "aria-label").toMatch(/most [1-9\d]/);
    }
    const refused = page.locator("figure", { hasText: "refused and failed" });
    await texts(refused.locator(".reading strong")).toEqual(["1", "0"]);
    const cells = page.locator(".by-version td");
    await text(cells.nth(0)).toBe("300");
    await text(cells.nth(1)).toMatch(/setosa 3\d\.\d\s%/);
    const bars = page.locator(".by-version .split .bar");
    const widths = await bars.evaluateAll((all) =>
      all.map((bar) => bar.getBoundingClientRect().width),
    );
    const whole = await page.locator(".by-version .split").evaluate((bar) => bar.clientWidth);
    expect(widths.reduce((sum, width) => sum + width, 0)).toBeCloseTo(whole, 0);

    await page.getByText("All numbers as a table").click();
    // 300 rows in 5 seconds; they may lie in two steps.
    const rates = page.locator(".scroll tbody td:nth-child(3)");
    await expect
      .poll(async () => (await rates.allTextContents()).reduce((sum, r) => sum + Number(r), 0))
      .toBeCloseTo(60, 0);
    const rows = await page.locator(".scroll tbody tr").count();
    const { activity } = await client.getActivity();
    expect(rows).toBeLessThanOrEqual(activity?.points.length ?? 0);
    expect(complaints).toEqual([]);
  }));

test("the pointer picks a step, whose numbers stand above the charts", () =>
  serving("", async ({ client, open }) => {
    await client.batchPredict({ matrix: rowsWith(0) });
    await told(client, "predictions");
    const { page } = await open();
    const moment = page.locator(".moment");
    const plot = page.locator(".plot").first();
    const box = await plot.boundingBox();
    if (!box) throw new Error("no chart");
    await text(moment).toBe("");
    await page.mouse.move(box.x + box.width - 2, box.y + 20);
    await text(moment).toMatch(/^until \d/);
    await attribute(page.locator(".cursor").nth(3), "d").toMatch(/^M\d/);
    await page.mouse.move(box.x + box.width / 2, 2);
    await text(moment).toBe("");
    await text(page.locator(".readings strong").first()).not.toBe("");
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
    await text(refused.first()).toBe("1");
    const { x = 0, y = 0, width = 0 } = (await page.locator(".plot").first().boundingBox()) ?? {};
    await page.mouse.move(x + width - 2, y + 10);
    await text(page.locator(".moment")).not.toBe("");
    expect(await places()).toEqual(before);
  }));

test("rows as in training have not drifted; shifted ones have, and say where", () =>
  serving("", async ({ client, open }) => {
    await client.batchPredict({ matrix: rowsWith(0) });
    await reported(client, 300n);
    const before = await open();
    await text(verdict(before.page)).toBe("Nothing has drifted that matters.");
    await count(before.page.locator(".feature .badge.danger")).toBe(0);
    await before.page.context().close();

    for (let i = 0; i < 4; i++) await client.batchPredict({ matrix: rowsWith(2) });
    await reported(client, 1500n);
    const { page, complaints } = await open();
    await text(verdict(page)).toMatch(/^1 of 4 features .*ha(s|ve) drifted\.$/);
    const { report } = await client.getDriftReport();
    const hint = page.locator(".drift > .hint");
    await text(hint).toContain("1,500 rows answered since");
    await text(hint).toContain(`beside ${report?.referenceRows} rows in training`);
    const worst = page.locator(".feature").first();
    await attribute(worst, "data-feature").toBe("petal_length_cm");
    await text(worst.locator("h3")).toBe("Petal length cm");
    await text(worst.locator(".badge")).toBe("drifted");
    const drift = report?.features.find(({ feature }) => feature === "petal_length_cm");
    const psi = worst.locator(".figures strong").first();
    await expect
      .poll(async () => Number(await psi.textContent()))
      .toBeCloseTo(drift?.divergence?.psi ?? Number.NaN, 1);
    const order = (report?.features ?? []).map((f) => f.divergence?.psi ?? 0);
    const shown = await page
      .locator(".feature")
      .evaluateAll((cards) => cards.map((card) => card.getAttribute("data-feature")));
    const psiOf = (name: string | null) =>
      order[(report?.features ?? []).findIndex((f) => f.feature === name)] ?? Number.NaN;
    expect(shown.map(psiOf)).toEqual([...order].sort((a, b) => b - a));

    await worst.getByText("Shares").click();
    const bins = worst.locator("tbody tr");
    await texts(bins).toHaveLength(drift?.shares.length ?? 0);
    await text(bins.first()).toMatch(/^below .* cm/);
    await attribute(worst.getByRole("img"), "aria-label").toContain("Petal length");
    await visible(page.getByText("Estimated without labels")).toBe(true);
    expect(complaints).toEqual([]);
  }));

test("a model without a reference says that there is nothing to compare with", () =>
  serving(testdata("models"), async ({ open }) => {
    const { page, complaints } = await open({ query: "?model=loan" });
    await text(verdict(page)).toContain("no reference profile");
    await count(page.locator(".feature")).toBe(0);
    await page.getByLabel("Model", { exact: true }).selectOption("iris");
    await text(verdict(page)).toContain("Not enough data");
    await page.getByLabel("Version", { exact: true }).selectOption("v1.0.0");
    await count(page.locator(".feature")).toBe(4);
    await value(page.getByLabel("Version", { exact: true })).toBe("v1.0.0");
    expect(complaints).toEqual([]);
  }));

test("a version that there is not is told in place, and leaves the traffic", () =>
  serving("", async ({ url }) => {
    const { page } = await visit(browser, `${url}/?version=v9.9.9#live`, { predicts: false });
    const problem = page.locator(".drift > .error");
    await problem.getByText("v9.9.9").waitFor();
    await count(page.locator(".chart")).toBe(6);
    await count(page.getByRole("alert").locator(".notice:visible")).toBe(0);
    await page.getByLabel("Version", { exact: true }).selectOption("");
    await verdict(page).waitFor();
    await visible(problem).toBe(false);
  }));

test("where a model is not there, another can be chosen", () =>
  serving(testdata("models"), async ({ url }) => {
    const { page } = await visit(browser, `${url}/?model=tulip#live`, { predicts: false });
    await page.locator(".drift > .error", { hasText: "tulip" }).waitFor();
    await count(page.locator(".drift .badge:visible")).toBe(0);
    await page.getByLabel("Model", { exact: true }).selectOption("iris");
    await count(page.locator(".feature")).toBe(4);
    await visible(page.locator(".drift > .error")).toBe(false);
  }));

test("a server that is gone is told with what is still shown, and so is its return", async () => {
  const first = await startSepal();
  const { page } = await visit(browser, `${first.url}/#live`, {
    predicts: false,
    prepare: (page) => page.clock.install(),
  });
  await verdict(page).waitFor();
  await first.stop();
  const notice = page.locator("#live-view .notice");
  await notice.getByText(/^No answer since .* What is shown is from /).waitFor();
  await text(notice).toContain("not available");
  await count(page.locator(".chart")).toBe(6);
  await visible(verdict(page)).toBe(true);
  // Time stands still from here on: the page would ask again by itself before it is told to.
  await page.clock.pauseAt(Date.now() + 60_000);
  const second = await startAgain(first);
  try {
    await notice.getByRole("button", { name: "Try again" }).click();
    await page.getByText("The server answers again.").waitFor();
    await notice.waitFor({ state: "detached" });
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
    await count(page.locator(".feature")).toBe(30);
    await page.getByRole("button", { name: /^Show 30 more of 40 features/ }).click();
    await count(page.locator(".feature")).toBe(60);
    await page.getByRole("button", { name: /^Show 10 more of 10 features/ }).press("Enter");
    await count(page.locator(".feature")).toBe(70);
    await expect.poll(() => page.evaluate(() => document.activeElement?.tagName)).toBe("SUMMARY");
    await visible(page.getByRole("button", { name: /^Show/ })).toBe(false);
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
  (colorScheme, pixels) =>
    serving(writeHostile(join(folder, `hostile-${pixels}`)), async ({ client, open }) => {
      const { version } = await client.getVersion();
      const inputs = Object.fromEntries(
        (version?.signature?.features ?? []).map(({ name, kind }) => [
          name,
          kind.case === "categorical" ? (kind.value.categories[0] ?? "") : 30,
        ]),
      );
      await client.predict({ inputs });
      await told(client, "predictions");
      const viewport = { width: pixels, height: 640 };
      const { page, complaints } = await open({ colorScheme, viewport });
      await page.getByText("All numbers as a table").click();
      await count(page.locator(".scroll tbody tr")).toBeGreaterThan(0);
      await texts(page.locator(".by-version bdi")).toContain(version?.classes[0]);
      await count(page.locator("#live-view img")).toBe(0);
      await title(page).toBe("Live · Sepal");
      await width(page).toBe(pixels);
      expect(complaints).toEqual([]);
    }),
);

test("at 320 pixels drift sticks out nowhere", () =>
  serving("", async ({ client, open }) => {
    for (let i = 0; i < 2; i++) await client.batchPredict({ matrix: rowsWith(2) });
    await reported(client, 600n);
    await told(client, "predictions");
    const { page } = await open({ viewport: { width: 320, height: 640 } });
    const folded = page.locator("#live-view details");
    const tables = await folded.count();
    expect(tables).toBe(5);
    for (let i = 0; i < tables; i++) await folded.nth(i).locator("summary").click();
    await count(folded.locator("tbody:not(:empty)")).toBe(tables);
    await width(page).toBe(320);
  }));

test("it asks the contract's services alone, again and again while it is in sight", () =>
  serving("", async ({ url }) => {
    const page = await emptyPage(browser);
    const paths: string[] = [];
    page.on("request", (request) => paths.push(new URL(request.url()).pathname));
    await page.goto(`${url}/#live`);
    await verdict(page).waitFor();
    const asked = (call: string): number => paths.filter((path) => path.endsWith(call)).length;
    await expect.poll(() => asked("/GetActivity")).toBeGreaterThan(1);
    for (const path of paths.filter((p) => !p.startsWith("/assets/"))) {
      expect(path).toMatch(/^\/(favicon\.svg|sepal\.(monitoring|registry)\.v1\..*)?$/);
    }
    await page.getByRole("link", { name: "Models" }).click();
    await page.getByRole("heading", { name: "History" }).waitFor();
    const before = asked("/GetActivity");
    // The models view asks after the same pause, which begins later.
    const looks = asked("/GetRollout");
    await expect.poll(() => asked("/GetRollout")).toBeGreaterThan(looks);
    expect(asked("/GetActivity")).toBe(before);
  }));
