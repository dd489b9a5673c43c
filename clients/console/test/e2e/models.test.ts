import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { attribute, count, focused, text, texts, title, value, visible, width } from "./shown.js";
import { badges, button, closed, confirm, Stage, version } from "./stage.js";

const stage = new Stage();

beforeAll(() => stage.open());

afterAll(() => stage.close());

test("the versions are told with their states, their evidence and their files", () =>
  stage.play(async ({ page, complaints, client }) => {
    await text(page.locator("h1:visible")).toBe("iris");
    await title(page).toContain("models");
    await count(page.locator(".entry[data-version]")).toBe(3);
    await badges(page, "v1.1.0").toEqual(["stable", "loaded"]);
    await badges(page, "v1.0.0").toEqual(["loaded"]);
    await badges(page, "v0.9.0").toEqual(["failed"]);
    const { versions } = await client.listVersions();
    const failed = versions.find((v) => v.version === "v0.9.0");
    expect(failed?.reason).not.toBe("");
    await text(version(page, "v0.9.0").locator(".error")).toBe(failed?.reason);
    const first = versions.find((v) => v.version === "v1.0.0");
    const facts = version(page, "v1.0.0").locator(".facts");
    const accuracy = (first?.training?.crossValidation?.accuracyMean ?? NaN) * 100;
    await text(facts).toContain(`${accuracy.toFixed(1)}\u00a0%`);
    await text(facts).toContain(first?.digest.slice(0, 12));
    const digest = version(page, "v1.0.0").locator(".digest");
    await attribute(digest, "title").toBe(first?.digest);
    expect(complaints).toEqual([]);
  }));

test("a split, a promotion and a rollback by clicking", () =>
  stage.play(async ({ page, complaints, client, rollout }) => {
    await count(button(page, "Roll back")).toBe(0);
    await button(page, "Split to v1.0.0").click();
    const dialog = page.getByRole("dialog");
    await dialog.getByLabel("Share of the requests").fill("12.345");
    await text(dialog.locator(".preview")).toContain("steps of 0.01");
    await expect.poll(() => dialog.getByRole("button", { name: "Split" }).isDisabled()).toBe(true);
    await dialog.getByLabel("Share of the requests").fill("12.34");
    await dialog.getByLabel("Name of the variant").fill("canary");
    await text(dialog.locator(".said")).toBe("canary (v1.0.0) gets 12.34\u00a0% of the requests.");
    await texts(dialog.locator(".shares tbody tr")).toEqual([
      "v1.1.0100\u00a0%→87.66\u00a0%",
      "v1.0.00\u00a0%→12.34\u00a0%",
    ]);
    await dialog.getByLabel("Reason").fill("to compare");
    await dialog.getByLabel("Your name").fill("ada");
    await confirm(page, "Split");
    await closed(page);
    await badges(page, "v1.0.0").toEqual(["canary 12.34\u00a0%", "loaded"]);
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
    await texts(dialog.locator(".said li")).toEqual([
      "v1.0.0 becomes the stable version in place of v1.1.0.",
      "The variant canary (v1.0.0), which had 12.34\u00a0%, is taken away.",
    ]);
    await value(dialog.getByLabel("Your name")).toBe("ada");
    await confirm(page, "Promote");
    await closed(page);
    await badges(page, "v1.0.0").toEqual(["stable", "loaded"]);
    expect(await rollout()).toMatchObject({ stable: "v1.0.0", variants: [] });

    await button(page, "Roll back").click();
    await dialog.getByText("v1.1.0 becomes the stable version in place of v1.0.0.").waitFor();
    await confirm(page, "Roll back");
    await closed(page);
    await badges(page, "v1.1.0").toEqual(["stable", "loaded"]);
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
    await texts(page.locator(".entry[data-revision]")).toEqual([
      expect.stringContaining("Rolled back to #1"),
      expect.any(String),
      expect.stringMatching(/“to compare”.*ada|ada.*“to compare”/s),
    ]);
    const summary = events[0]?.summary.replaceAll(" %", "\u00a0%");
    await text(page.getByRole("status")).toBe(`Done: ${summary}`);
    expect(complaints).toEqual([]);
  }));

test("an event of the history is brought back, and a shadow is switched on and off", () =>
  stage.play(async ({ page, rollout }) => {
    await button(page, "Shadow v1.0.0").click();
    await confirm(page, "Shadow");
    await closed(page);
    await badges(page, "v1.0.0").toEqual(["shadow", "loaded"]);
    expect((await rollout()).shadows).toEqual(["v1.0.0"]);
    await button(page, "Stop shadow v1.0.0").click();
    await confirm(page, "Stop");
    await closed(page);
    await badges(page, "v1.0.0").toEqual(["loaded"]);
    await button(page, "Bring back the rollout of #1").click();
    await confirm(page, "Bring back");
    await closed(page);
    await badges(page, "v1.0.0").toEqual(["shadow", "loaded"]);
    expect((await rollout()).shadows).toEqual(["v1.0.0"]);
  }));

test("Escape cancels, changes nothing, and the focus is back where it was", () =>
  stage.play(async ({ page, rollout }) => {
    await button(page, "Promote v1.0.0").focus();
    await page.keyboard.press("Enter");
    await page.getByRole("dialog").waitFor();
    await focused(page).toBe("dialog-reason");
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
    // Until it has asked for the promotion, the page learns of no other change.
    let asked = false;
    await page.route("**/SetRollout", (route) => {
      asked = true;
      return route.continue();
    });
    await page.route("**/GetRollout", (route) => (asked ? route.continue() : route.abort()));
    await client.setRollout({ rollout: { ...(await rollout()), shadows: ["v1.0.0"] } });
    await confirm(page, "Promote");
    const dialog = page.getByRole("dialog");
    await dialog.getByText("The rollout changed meanwhile, and nothing was done.").waitFor();
    expect((await rollout()).stable).toBe("v1.1.0");
    await text(dialog.locator(".said")).toContain("no longer scored");
    await confirm(page, "Promote");
    await closed(page);
    expect(await rollout()).toMatchObject({ stable: "v1.0.0", shadows: [] });
  }));

test("what others change is shown without asking", () =>
  stage.play(async ({ page, client, rollout }) => {
    await client.setRollout({ rollout: { ...(await rollout()), stable: "v1.0.0" }, actor: "bob" });
    await badges(page, "v1.0.0").toEqual(["stable", "loaded"]);
    await text(page.locator('[data-revision="1"]')).toContain("bob");
  }));

test("what of the registry is not in force is told, until it is", () =>
  stage.play(async ({ page, registry, client }) => {
    const problem = page.getByRole("alert").locator(".problems");
    const record = join(registry, "iris", "rollout.json");
    writeFileSync(record, "{");
    await client.reload().catch(() => undefined);
    await problem.getByText("rollout.json").waitFor();
    rmSync(record);
    await client.reload();
    await problem.waitFor({ state: "detached" });
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
    await text(page.locator(".snippet code")).toContain('"subjectId": "user-17"');
    await page.getByLabel("Subject").fill("");
    await visible(page.locator(".answered")).toBe(false);
  }));

test("the views are links that keep their state", () =>
  stage.play(async ({ page, complaints }) => {
    const nav = page.getByRole("navigation", { name: "Views" });
    await text(nav.locator("[aria-current=page]")).toBe("Models");
    await nav.getByRole("link", { name: "Predict" }).press("Enter");
    await page.locator(".prediction:not(:text-is('…'))").waitFor();
    await text(nav.locator("[aria-current=page]")).toBe("Predict");
    await title(page).toMatch(/^iris v1\.1\.0/);
    await page.locator("#f0").fill("5.5");
    await page.goBack();
    await page.getByRole("heading", { name: "History" }).waitFor();
    await visible(page.locator("form")).toBe(false);
    await page.goForward();
    await visible(page.locator("form")).toBe(true);
    await value(page.locator("#f0")).toBe("5.5");
    expect(complaints).toEqual([]);
  }));

test.each([
  ["light", 1200],
  ["dark", 1200],
  ["light", 320],
  ["dark", 320],
] as const)("in %s at %d pixels nothing sticks out sideways", (colorScheme, pixels) =>
  stage.play(
    async ({ page, complaints }) => {
      await width(page).toBe(pixels);
      await button(page, "Split to v1.0.0").click();
      await page.getByRole("dialog").waitFor();
      await width(page).toBe(pixels);
      const dialog = await page
        .getByRole("dialog")
        .evaluate((d) => ({ scroll: d.scrollWidth, client: d.clientWidth }));
      expect(dialog.scroll).toBe(dialog.client);
      await confirm(page, "Split");
      await closed(page);
      await width(page).toBe(pixels);
      expect(complaints).toEqual([]);
    },
    { colorScheme, viewport: { width: pixels, height: 640 } },
  ),
);
