import { existsSync } from "node:fs";
import { type Browser, type BrowserContextOptions, chromium, type Page } from "playwright-core";
import { expect, onTestFinished } from "vitest";

const executablePath = process.env.CHROMIUM || "/usr/bin/chromium";

/** Starts a headless Chromium that asks nobody for anything. */
export function startBrowser(): Promise<Browser> {
  if (!existsSync(executablePath)) {
    throw new Error(
      `there is no browser at ${executablePath}: install Chromium ` +
        '("apt-get install --no-install-recommends chromium" on Debian), or set CHROMIUM',
    );
  }
  return chromium.launch({
    executablePath,
    args: [
      "--no-sandbox",
      "--disable-gpu",
      "--no-first-run",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
    ],
  });
}

/** A page with what it complained about. */
export interface Visit {
  page: Page;
  /** Errors and warnings of the console, uncaught exceptions, refused policies. */
  complaints: string[];
}

/** An empty page that goes with the test, so that none asks on while others are tested. */
export async function emptyPage(
  browser: Browser,
  options: BrowserContextOptions = {},
): Promise<Page> {
  const context = await browser.newContext({ reducedMotion: "reduce", ...options });
  onTestFinished(() => context.close());
  const page = await context.newPage();
  page.setDefaultTimeout(30_000);
  return page;
}

/** How a page is opened. */
export interface VisitOptions extends BrowserContextOptions {
  /** Whether to wait for the first prediction. Default: true. */
  predicts?: boolean;
  /** Done before the page goes anywhere. */
  prepare?(page: Page): Promise<void>;
}

/** Opens the console at a URL and waits for its first prediction, unless told not to. */
export async function visit(
  browser: Browser,
  url: string,
  { predicts = true, prepare, ...options }: VisitOptions = {},
): Promise<Visit> {
  const page = await emptyPage(browser, options);
  const complaints: string[] = [];
  page.on("console", (message) => {
    if (["error", "warning"].includes(message.type())) complaints.push(message.text());
  });
  page.on("pageerror", (error) => complaints.push(String(error)));
  await prepare?.(page);
  await page.goto(url);
  if (predicts) await page.locator(".prediction:not(:text-is('…'))").waitFor();
  return { page, complaints };
}

/** Waits until the predicted class is the one expected. */
export function predicted(page: Page, name: string): Promise<void> {
  return page.locator(".prediction").getByText(name, { exact: true }).waitFor();
}

/** Types values into the inputs, by label. */
export async function fill(page: Page, values: Record<string, string>): Promise<void> {
  for (const [label, value] of Object.entries(values)) {
    await page.getByLabel(label).and(page.locator("input[type=number]")).fill(value);
  }
}

/**
 * Types numbers into the inputs, by label, and waits for the answer to all of them: on the way
 * the page shows answers to some.
 */
export async function ask(page: Page, values: Record<string, string>): Promise<void> {
  await fill(page, values);
  const answered = () =>
    page
      .locator(".contribution .name")
      .evaluateAll((names) =>
        Object.fromEntries(
          names.map(({ children: [label, detail] }) => [
            label?.textContent,
            Number.parseFloat(detail?.textContent ?? ""),
          ]),
        ),
      );
  const wanted = Object.entries(values).map(([label, text]) => [label, Number(text)]);
  await expect.poll(answered).toMatchObject(Object.fromEntries(wanted));
}
