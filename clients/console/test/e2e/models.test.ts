import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { badges, button, closed, confirm, Stage, version } from "./stage.js";

const stage = new Stage();

beforeAll(() => stage.open());

afterAll(() => stage.close());

test("the versions are told with their states, their evidence and their files", () =>
  stage.play(async ({ page, complaints, client }) => {
    expect(await page.locator("h1:visible").textContent()).toBe("iris");
    expect(await page.title()).toContain("models");
    expect(await page.locator(".entry[data-version]").count()).toBe(3);
    expect(await badges(page, "v1.1.0")).toEqual(["stable", "loaded"]);
    expect(await badges(page, "v1.0.0")).toEqual(["loaded"]);
    expect(await badges(page, "v0.9.0")).toEqual(["failed"]);
    const { versions } = await client.listVersions();
    const failed = versions.find((v) => v.version === "v0.9.0");
    expect(failed?.reason).not.toBe("");
    expect(await version(page, "v0.9.0").locator(".error").textContent()).toBe(failed?.reason);
    const first = versions.find((v) => v.version === "v1.0.0");
    const facts = await version(page, "v1.0.0").locator(".facts").textContent();
    const accuracy = (first?.training?.crossValidation?.accuracyMean ?? NaN) * 100;
    expect(facts).toContain(`${accuracy.toFixed(1)}\u00a0%`);
    expect(facts).toContain(first?.digest.slice(0, 12));
    const digest = version(page, "v1.0.0").locator(".digest");
    expect(await digest.getAttribute("title")).toBe(first?.digest);
    expect(complaints).toEqual([]);
  }));

test("a split, a promotion and a rollback by clicking", () =>
  stage.play(async ({ page, complaints, client, rollout }) => {
    expect(await button(page, "Roll back").count()).toBe(0);
    await button(page, "Split to v1.0.0").click();
    const dialog = page.getByRole("dialog");
    await dialog.getByLabel("Share of the requests").fill("12.345");
    expect(await dialog.locator(".preview").textContent()).toContain("steps of 0.01");
    expect(await dialog.getByRole("button", { name: "Split" }).isDisabled()).toBe(true);
    await dialog.getByLabel("Share of the requests").fill("12.34");
    await dialog.getByLabel("Name of the variant").fill("canary");
    expect(await dialog.locator(".said").textContent()).toBe(
      "canary (v1.0.0) gets 12.34\u00a0% of the requests.",
    );
    expect(await dialog.locator(".shares tbody tr").allTextContents()).toEqual([
      "v1.1.0100\u00a0%→87.66\u00a0%",
      "v1.0.00\u00a0%→12.34\u00a0%",
    ]);
    await dialog.getByLabel("Reason").fill("to compare");
    await dialog.getByLabel("Your name").fill("ada");
    await confirm(page, "Split");
    await closed(page);
    await expect.poll(() => badges(page, "v1.0.0")).toEqual(["canary 12.34\u00a0%", "loaded"]);
    expect(await rollout()).toMatchObject({
      stable: "v1.1.0",
      variants: [{ name: "canary", version: "v1.0.0", weight: 1234 }],
    });
    const bar = page.getByRole("img", {
      name: "stable v1.1.0 87.66\u00a0%, canary v1.0.0 12.34\u00a0%",
    });
    const widths = await bar.evaluate((track) =>
      [...track.children].map(
        (part) => part.getBoundingClientRect().width / track.getBoundingClientRect().width,
      ),
    );
    expect(widths[0]).toBeCloseTo(0.8766, 2);
    expect(widths[1]).toBeCloseTo(0.1234, 2);

    await button(page, "Promote v1.0.0").click();
    expect(await dialog.locator(".said li").allTextContents()).toEqual([
      "v1.0.0 becomes the stable version in place of v1.1.0.",
      "The variant canary (v1.0.0), which had 12.34\u00a0%, is taken away.",
    ]);
    expect(await dialog.getByLabel("Your name").inputValue()).toBe("ada");
    await confirm(page, "Promote");
    await closed(page);
    await expect.poll(() => badges(page, "v1.0.0")).toEqual(["stable", "loaded"]);
    expect(await rollout()).toMatchObject({ stable: "v1.0.0", variants: [] });

    await button(page, "Roll back").click();
    await dialog.getByText("v1.1.0 becomes the stable version in place of v1.0.0.").waitFor();
    await confirm(page, "Roll back");
    await closed(page);
    await expect.poll(() => badges(page, "v1.1.0")).toEqual(["stable", "loaded"]);
    expect(await rollout()).toMatchObject({
      stable: "v1.1.0",
      variants: [{ name: "canary", weight: 1234 }],
    });

    const { events } = await client.listRolloutEvents();
    expect(events.map((e) => [e.actor, e.reason, e.requestId !== ""])).toEqual([
      ["ada", "", true],
      ["ada", "", true],
      ["ada", "to compare", true],
    ]);
    const history = await page.locator(".entry[data-revision]").allTextContents();
    expect(history).toHaveLength(3);
    expect(history[0]).toContain("Rolled back to #1");
    expect(history[2]).toContain("“to compare”");
    expect(history[2]).toContain("ada");
    const summary = events[0]?.summary.replaceAll(" %", "\u00a0%");
    expect(await page.getByRole("status").textContent()).toBe(`Done: ${summary}`);
    expect(complaints).toEqual([]);
  }));

test("an event of the history is brought back, and a shadow is switched on and off", () =>
  stage.play(async ({ page, rollout }) => {
    await button(page, "Shadow v1.0.0").click();
    await confirm(page, "Shadow");
    await closed(page);
    await expect.poll(() => badges(page, "v1.0.0")).toEqual(["shadow", "loaded"]);
    expect((await rollout()).shadows).toEqual(["v1.0.0"]);
    await button(page, "Stop shadow v1.0.0").click();
    await confirm(page, "Stop");
    await closed(page);
    await expect.poll(() => badges(page, "v1.0.0")).toEqual(["loaded"]);
    await button(page, "Bring back the rollout of #1").click();
    await confirm(page, "Bring back");
    await closed(page);
    await expect.poll(() => badges(page, "v1.0.0")).toEqual(["shadow", "loaded"]);
    expect((await rollout()).shadows).toEqual(["v1.0.0"]);
  }));

test("Escape cancels, changes nothing, and the focus is back where it was", () =>
  stage.play(async ({ page, rollout }) => {
    await button(page, "Promote v1.0.0").focus();
    await page.keyboard.press("Enter");
    await page.getByRole("dialog").waitFor();
    expect(await page.evaluate(() => document.activeElement?.id)).toBe("dialog-reason");
    await page.keyboard.press("Escape");
    await closed(page);
    await expect
      .poll(() => page.evaluate(() => document.activeElement?.getAttribute("aria-label")))
      .toBe("Promote v1.0.0");
    expect((await rollout()).revision).toBe(0);
  }));

test("a change that others made meanwhile is told, and asked about anew", () =>
  stage.play(async ({ page, client, rollout }) => {
    await button(page, "Promote v1.0.0").click();
    await page.route("**/GetRollout", (route) => route.abort());
    await client.setRollout({ rollout: { ...(await rollout()), shadows: ["v1.0.0"] } });
    await page.unroute("**/GetRollout");
    await confirm(page, "Promote");
    const dialog = page.getByRole("dialog");
    await dialog.getByText("The rollout changed meanwhile, and nothing was done.").waitFor();
    expect((await rollout()).stable).toBe("v1.1.0");
    expect(await dialog.locator(".said").textContent()).toContain("no longer scored");
    await confirm(page, "Promote");
    await closed(page);
    expect(await rollout()).toMatchObject({ stable: "v1.0.0", shadows: [] });
  }));

test("what others change is shown without asking", () =>
  stage.play(async ({ page, client, rollout }) => {
    await client.setRollout({ rollout: { ...(await rollout()), stable: "v1.0.0" }, actor: "bob" });
    await expect
      .poll(() => badges(page, "v1.0.0"), { timeout: 15_000 })
      .toEqual(["stable", "loaded"]);
    expect(await page.locator('[data-revision="1"]').textContent()).toContain("bob");
  }));

test("what of the registry is not in force is told, until it is", () =>
  stage.play(async ({ page, registry, client }) => {
    const problem = page.getByRole("alert").locator(".problems");
    const record = join(registry, "iris", "rollout.json");
    writeFileSync(record, "{");
    await client.reload().catch(() => undefined);
    await problem.getByText("rollout.json").waitFor({ timeout: 15_000 });
    rmSync(record);
    await client.reload();
    await problem.waitFor({ state: "detached", timeout: 15_000 });
  }));

test("what the server refuses is told in its words, in the dialog", () =>
  stage.play(async ({ page, rollout }) => {
    await page.route("**/SetRollout", (route) =>
      route.fulfill({
        status: 200,
        headers: {
          "content-type": "application/grpc-web+proto",
          "grpc-status": "7",
          "grpc-message": "changes are taken from the server's own machine only",
        },
      }),
    );
    await button(page, "Promote v1.0.0").click();
    await confirm(page, "Promote");
    const dialog = page.getByRole("dialog");
    await dialog.getByRole("alert").getByText("the server's own machine only").waitFor();
    await dialog.getByRole("button", { name: "Cancel" }).click();
    await closed(page);
    expect((await rollout()).revision).toBe(0);
  }));

test("a subject is asked about as the rollout has it", () =>
  stage.play(async ({ page, url, client, rollout }) => {
    const now = await rollout();
    await client.setRollout({ rollout: { ...now, stable: "v1.0.0", variants: [] } });
    await page.goto(`${url}/`);
    await page.getByText("Ask as a subject").click();
    await page.getByLabel("Subject").fill("user-17");
    await page.getByText("Answered by stable, v1.0.0.").waitFor();
    expect(await page.locator(".snippet code").textContent()).toContain('"subjectId": "user-17"');
    await page.getByLabel("Subject").fill("");
    await expect.poll(() => page.locator(".answered").isVisible()).toBe(false);
  }));

test("the views are links that keep their state", () =>
  stage.play(async ({ page, complaints }) => {
    const nav = page.getByRole("navigation", { name: "Views" });
    expect(await nav.locator("[aria-current=page]").textContent()).toBe("Models");
    await nav.getByRole("link", { name: "Predict" }).press("Enter");
    await page.locator(".prediction:not(:text-is('…'))").waitFor();
    expect(await nav.locator("[aria-current=page]").textContent()).toBe("Predict");
    expect(await page.title()).toMatch(/^iris v1\.1\.0/);
    await page.locator("#f0").fill("5.5");
    await page.goBack();
    await page.getByRole("heading", { name: "History" }).waitFor();
    expect(await page.locator("form").isVisible()).toBe(false);
    await page.goForward();
    expect(await page.locator("#f0").inputValue()).toBe("5.5");
    expect(complaints).toEqual([]);
  }));

test.each([
  ["light", 1200],
  ["dark", 1200],
  ["light", 320],
  ["dark", 320],
] as const)("in %s at %d pixels nothing sticks out sideways", (colorScheme, width) =>
  stage.play(
    async ({ page, complaints }) => {
      const sideways = (): Promise<number> =>
        page.evaluate(() => document.documentElement.scrollWidth);
      expect(await sideways()).toBe(width);
      await button(page, "Split to v1.0.0").click();
      expect(await sideways()).toBe(width);
      const dialog = await page
        .getByRole("dialog")
        .evaluate((d) => ({ scroll: d.scrollWidth, client: d.clientWidth }));
      expect(dialog.scroll).toBe(dialog.client);
      await confirm(page, "Split");
      await closed(page);
      expect(await sideways()).toBe(width);
      expect(complaints).toEqual([]);
    },
    { colorScheme, viewport: { width, height: 640 } },
  ),
);
