import { execFileSync } from "node:child_process";
import type { Browser } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { ask, emptyPage, fill, predicted, startBrowser, visit } from "./browser.js";
import { type Sepal, startSepal } from "./sepal.js";
import { attribute, count, focused, text, texts, value, visible, width } from "./shown.js";

const setosa = {
  "Sepal length": "5.1",
  "Sepal width": "3.5",
  "Petal length": "1.4",
  "Petal width": "0.2",
};
const virginicaPetals = { "Petal length": "6.0", "Petal width": "2.5" };

let sepal: Sepal;
let browser: Browser;

beforeAll(async () => {
  sepal = await startSepal();
  browser = await startBrowser();
});

afterAll(async () => {
  await browser?.close();
  await sepal?.stop();
});

test("the page tells the model and its features, and complains of nothing", async () => {
  const { page, complaints } = await visit(browser, sepal.url);
  await text(page.locator("h1")).toMatch(/^iris\s+v\d+\.\d+\.\d+$/);
  await text(page.locator(".about")).toContain("setosa, versicolor or virginica");
  await texts(page.locator("form .field label")).toEqual([
    "Sepal length cm",
    "Sepal width cm",
    "Petal length cm",
    "Petal width cm",
  ]);
  await count(page.locator("input[type=number]")).toBe(4);
  await count(page.locator("input[type=range]")).toBe(4);
  await count(page.locator(".score")).toBe(3);
  expect(complaints).toEqual([]);
});

test("predictions follow what is typed, with bars in proportion", async () => {
  const { page, complaints } = await visit(browser, sepal.url);
  await ask(page, setosa);
  await predicted(page, "setosa");
  const scores = await page.locator(".score").evaluateAll((rows) =>
    rows.map((row) => ({
      text: row.querySelector(".value")?.textContent ?? "",
      width: row.querySelector(".bar")?.getBoundingClientRect().width ?? -1,
      track: row.querySelector(".track")?.getBoundingClientRect().width ?? -1,
    })),
  );
  const shares = scores.map(({ width, track }) => width / track);
  const [first = 0, second = 0, third = 0] = shares;
  expect(first).toBeGreaterThan(0.8);
  expect(first).toBeGreaterThan(second);
  expect(second).toBeGreaterThan(third);
  expect(Number.parseFloat(scores[0]?.text ?? "") / 100).toBeCloseTo(first, 2);
  await text(page.locator(".confidence")).toBe(`${scores[0]?.text} sure`);

  await fill(page, virginicaPetals);
  await predicted(page, "virginica");
  expect(complaints).toEqual([]);
});

test("a slider moves its value and the prediction", async () => {
  const { page } = await visit(browser, sepal.url);
  await fill(page, setosa);
  await predicted(page, "setosa");
  for (const label of ["Petal length, slider", "Petal width, slider"]) {
    const slider = page.getByLabel(label);
    await slider.fill((await slider.getAttribute("max")) ?? "");
  }
  await predicted(page, "virginica");
  await value(page.locator("#f2")).not.toBe("1.4");
});

test("the explanation has bars on both sides of its axis and sums to the margin", async () => {
  const { page } = await visit(browser, sepal.url);
  // Petals of a setosa, sepals that speak against it.
  await ask(page, { ...setosa, "Sepal width": "2.0" });
  await predicted(page, "setosa");
  await page.getByText("Why setosa rather than versicolor").waitFor();
  const bars = await page.locator(".contribution").evaluateAll((rows) =>
    rows.map((row) => {
      const track = row.querySelector(".track")?.getBoundingClientRect();
      const bar = row.querySelector(".bar")?.getBoundingClientRect();
      if (!track || !bar) throw new Error("no bar");
      const text = row.querySelector(".value")?.textContent ?? "";
      return {
        value: Number(text.replace("−", "-")),
        fromAxis: bar.left + bar.width / 2 - (track.left + track.width / 2),
      };
    }),
  );
  expect(bars).toHaveLength(4);
  for (const { value, fromAxis } of bars) expect(Math.sign(fromAxis)).toBe(Math.sign(value));
  expect(bars.some(({ value }) => value > 0)).toBe(true);
  expect(bars.some(({ value }) => value < 0)).toBe(true);
  const terms = await page.locator(".sum dd").allTextContents();
  const [baseline = NaN, sum = NaN, margin = NaN] = terms.map((t) => Number(t.replace("−", "-")));
  expect(baseline + sum).toBeCloseTo(margin, 1);
  expect(bars.reduce((total, { value }) => total + value, 0)).toBeCloseTo(sum, 1);
});

test("a value that is none is refused next to its input", async () => {
  const { page, complaints } = await visit(browser, sepal.url);
  const input = page.locator("#f1");
  const note = page.locator(".stale-note");
  for (const typed of ["", "1e999", "e"]) {
    await input.fill("3");
    await attribute(input, "aria-invalid").toBeNull();
    await input.clear();
    await input.pressSequentially(typed);
    await attribute(input, "aria-invalid").toBe("true");
    await text(page.locator("#f1-error")).toMatch(/^Enter a (finite )?number/);
    await attribute(input, "aria-describedby").toContain("f1-error");
    await text(page.locator(".summary")).toContain("Sepal width");
    await visible(note).toBe(true);
  }
  await input.fill("3");
  await visible(page.locator("#f1-error")).toBe(false);
  await visible(note).toBe(false);
  expect(complaints).toEqual([]);
});

test("a value outside the training range is served, and marked", async () => {
  const { page } = await visit(browser, sepal.url);
  await fill(page, { ...setosa, "Sepal length": "99" });
  const warning = page.locator("#f0-warning");
  await text(warning).toContain("Outside the training range");
  await text(page.locator(".contribution .detail").first()).toBe("99 cm");
  await fill(page, setosa);
  await visible(warning).toBe(false);
});

test("what only the server can refuse is told in a banner", async () => {
  const { page } = await visit(browser, sepal.url);
  await fill(page, { "Sepal length": "1e308", "Petal length": "-1e308", "Petal width": "-1e308" });
  const notice = page.getByRole("alert").locator(".notice");
  await notice.getByText("not finite").waitFor();
  await fill(page, setosa);
  await predicted(page, "setosa");
  await notice.waitFor({ state: "detached" });
});

test("the skip link leads to the prediction", async () => {
  const { page } = await visit(browser, sepal.url);
  await page.keyboard.press("Tab");
  await page.keyboard.press("Enter");
  await focused(page).toBe("prediction");
});

test("the keyboard is enough", async () => {
  const { page } = await visit(browser, sepal.url);
  await page.keyboard.press("Tab");
  await focused(page).toBe("skip");
  const link = () => page.evaluate(() => document.activeElement?.textContent);
  for (const view of ["Predict", "Models", "Live"]) {
    await page.keyboard.press("Tab");
    await expect.poll(link).toBe(view);
  }
  for (const [i, typed] of ["6.5", "3.0", "6.0", "2.5"].entries()) {
    await page.keyboard.press("Tab");
    await focused(page).toBe(`f${i}`);
    const outline = await page.evaluate(
      () => document.activeElement && getComputedStyle(document.activeElement).outlineStyle,
    );
    expect(outline).toBe("solid");
    await page.keyboard.press("Control+a");
    await page.keyboard.type(typed);
    await value(page.locator(`#f${i}`)).toBe(typed);
  }
  await page.keyboard.press("Enter");
  await predicted(page, "virginica");
  await page.keyboard.press("ArrowUp");
  await value(page.locator("#f3")).not.toBe("2.5");
  await page.keyboard.press("Control+a");
  await page.keyboard.press("Delete");
  await page.keyboard.press("Tab");
  await page.keyboard.press("Enter");
  await focused(page).toBe("f3");
});

test.each([
  ["light", 1200],
  ["dark", 1200],
  ["light", 320],
  ["dark", 320],
] as const)("in %s at %d pixels nothing sticks out sideways", async (colorScheme, pixels) => {
  const { page, complaints } = await visit(browser, sepal.url, {
    colorScheme,
    viewport: { width: pixels, height: 640 },
  });
  await ask(page, { ...setosa, "Sepal width": "99" });
  await predicted(page, "setosa");
  await width(page).toBe(pixels);
  const background = await page.evaluate(() => getComputedStyle(document.body).backgroundColor);
  const [red = NaN] = (background.match(/\d+/g) ?? []).map(Number);
  expect(red > 128).toBe(colorScheme === "light");
  expect(complaints).toEqual([]);
});

test("the copied command asks for the same prediction", async () => {
  const { page } = await visit(browser, sepal.url, {
    permissions: ["clipboard-read", "clipboard-write"],
  });
  await ask(page, setosa);
  await predicted(page, "setosa");
  // The button says so for a moment only: somebody has to be looking already.
  await Promise.all([
    page.getByRole("button", { name: "Copied" }).waitFor(),
    page.getByRole("button", { name: "Copy" }).click(),
  ]);
  const command = await page.evaluate(() => navigator.clipboard.readText());
  const answer = JSON.parse(
    execFileSync("/bin/sh", ["-c", command.replace(/^curl /, "curl -sS --fail-with-body ")], {
      encoding: "utf8",
    }),
  );
  expect(answer.prediction).toBe("setosa");
  const shown = await page.locator(".confidence").textContent();
  expect(answer.confidence * 100).toBeCloseTo(Number.parseFloat(shown ?? ""), 0);
});

test("calls are binary gRPC-Web to the page's own origin, and nothing goes elsewhere", async () => {
  const page = await emptyPage(browser);
  const requests: { url: string; type: string | undefined }[] = [];
  page.on("request", (r) => requests.push({ url: r.url(), type: r.headers()["content-type"] }));
  const answered = page.waitForResponse((r) => r.url().endsWith("/Predict"));
  await page.goto(sepal.url);
  const answer = await answered;
  expect(answer.headers()["content-type"]).toBe("application/grpc-web+proto");
  const calls = requests.filter(({ url }) => url.includes("/sepal."));
  expect(calls).toEqual([
    {
      url: `${sepal.url}/sepal.registry.v1.RegistryService/GetVersion`,
      type: "application/grpc-web+proto",
    },
    {
      url: `${sepal.url}/sepal.prediction.v1.PredictionService/Predict`,
      type: "application/grpc-web+proto",
    },
  ]);
  for (const { url } of requests) expect(new URL(url).origin).toBe(sepal.url);
});
