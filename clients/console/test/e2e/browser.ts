import { existsSync } from "node:fs";
import { type Browser, type BrowserContextOptions, chromium, type Page } from "playwright-core";

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

/** Opens the console at a URL and waits for its first prediction, unless told not to. */
export async function visit(
  browser: Browser,
  url: string,
  options: BrowserContextOptions & { predicts?: boolean } = {},
): Promise<Visit> {
  const { predicts = true, ...contextOptions } = options;
  const context = await browser.newContext({ reducedMotion: "reduce", ...contextOptions });
  const page = await context.newPage();
  page.setDefaultTimeout(10_000);
  const complaints: string[] = [];
  page.on("console", (message) => {
    if (["error", "warning"].includes(message.type())) complaints.push(message.text());
  });
  page.on("pageerror", (error) => complaints.push(String(error)));
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
