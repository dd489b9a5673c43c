import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createSepalClient, type Rollout, type SepalClient } from "@sepal-ml/client";
import type { Browser, Locator, Page } from "playwright-core";
import { startBrowser, type Visit, type VisitOptions, visit } from "./browser.js";
import { runSepal, startSepal, testdata } from "./sepal.js";
import { texts } from "./shown.js";

/** The models view of a server of its own. */
export interface Scene extends Visit {
  url: string;
  /** The folder that is served: iris with two versions, and one that cannot be loaded. */
  registry: string;
  client: SepalClient;
  rollout(): Promise<Rollout>;
}

/** Plays scenes in one browser. */
export class Stage {
  readonly #folder = mkdtempSync(join(tmpdir(), "sepal-models-"));
  #browser: Browser | undefined;

  /** Starts the browser, and makes the registry that every scene gets a copy of. */
  async open(): Promise<void> {
    this.#browser = await startBrowser();
    const iris = join(this.#folder, "two", "iris");
    for (const version of ["v0.9.0", "v1.0.0", "v1.1.0"]) {
      mkdirSync(join(iris, version), { recursive: true });
    }
    writeFileSync(join(iris, "v0.9.0", "model.json"), "{}");
    cpSync(testdata("models/iris/v1.0.0/model.binpb"), join(iris, "v1.0.0", "model.binpb"));
    const flags = [
      "--label",
      "species",
      "--name",
      "iris",
      "--model-version",
      "v1.1.0",
      "--c",
      "10",
    ];
    const output = join(iris, "v1.1.0", "model.binpb");
    runSepal("train", testdata("datasets/iris.csv"), ...flags, "-o", output);
  }

  async close(): Promise<void> {
    await this.#browser?.close();
    rmSync(this.#folder, { recursive: true });
  }

  /** Serves a copy of the registry, and opens the models view of it. */
  async play(run: (scene: Scene) => Promise<void>, options: VisitOptions = {}): Promise<void> {
    if (!this.#browser) throw new Error("the stage is not open");
    const registry = mkdtempSync(join(this.#folder, "registry-"));
    cpSync(join(this.#folder, "two"), registry, { recursive: true });
    const sepal = await startSepal({ MODEL_PATH: registry });
    try {
      const client = createSepalClient({ baseUrl: sepal.url, protocol: "connect" });
      const address = `${sepal.url}/#models`;
      const seen = await visit(this.#browser, address, { ...options, predicts: false });
      await seen.page.getByRole("heading", { name: "History" }).waitFor();
      const rollout = async (): Promise<Rollout> => {
        const { rollout } = await client.getRollout();
        if (!rollout) throw new Error("no rollout");
        return rollout;
      };
      await run({ ...seen, url: sepal.url, registry, client, rollout });
    } finally {
      await sepal.stop();
    }
  }
}

/** What is shown of a version. */
export const version = (page: Page, name: string): Locator =>
  page.locator(`[data-version="${name}"]`);

export const badges = (page: Page, name: string) => texts(version(page, name).locator(".badge"));

export const button = (page: Page, name: string): Locator =>
  page.getByRole("button", { name, exact: true });

/** Presses the button of the open dialog that does what it says. */
export async function confirm(page: Page, verb: string): Promise<void> {
  await page.getByRole("dialog").getByRole("button", { name: verb, exact: true }).click();
}

/** Waits until the dialog is closed. */
export async function closed(page: Page): Promise<void> {
  await page.getByRole("dialog").waitFor({ state: "detached" });
}
