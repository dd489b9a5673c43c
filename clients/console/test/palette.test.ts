import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";

const css = readFileSync(new URL("../src/styles/page.css", import.meta.url), "utf8");
const [lightBlock = "", darkBlock = ""] = [...css.matchAll(/:root\s*\{([^}]*)\}/g)].map(
  (m) => m[1],
);

function palette(...blocks: string[]): Map<string, string> {
  const entries = blocks.flatMap((b) => [...b.matchAll(/--([\w-]+):\s*(#[0-9a-f]{6})/g)]);
  return new Map(entries.map((m) => [m[1] ?? "", m[2] ?? ""]));
}

/** Relative luminance as WCAG 2 defines it. */
function luminance(hex: string): number {
  const [r = 0, g = 0, b = 0] = [1, 3, 5].map((at) => {
    const c = Number.parseInt(hex.slice(at, at + 2), 16) / 255;
    return c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}

function contrast(a: string, b: string): number {
  const [low = 0, high = 0] = [luminance(a), luminance(b)].sort((x, y) => x - y);
  return (high + 0.05) / (low + 0.05);
}

/** Pairs that WCAG 2 AA asks 4.5 of (text) or 3 of (edges of inputs, bars). */
const pairs: [string, string, number][] = [
  ["text", "page", 4.5],
  ["text", "surface", 4.5],
  ["text", "sunken", 4.5],
  ["text", "danger-soft", 4.5],
  ["muted", "page", 4.5],
  ["muted", "surface", 4.5],
  ["muted", "sunken", 4.5],
  ["accent", "surface", 4.5],
  ["on-accent", "accent", 4.5],
  ["danger", "surface", 4.5],
  ["danger", "sunken", 4.5],
  ["warning", "surface", 4.5],
  ["edge", "surface", 3],
  ["edge", "sunken", 3],
  ["rest", "sunken", 3],
  ["for", "sunken", 3],
  ["against", "sunken", 3],
  ["for", "surface", 3],
  ["against", "surface", 3],
  ["rest", "surface", 3],
  ["accent", "page", 3],
  ...["teal", "pink", "green"].flatMap((hue): [string, string, number][] => [
    [hue, "surface", 3],
    [hue, "sunken", 3],
  ]),
];

describe.each([
  ["light", palette(lightBlock)],
  ["dark", palette(lightBlock, darkBlock)],
])("in the %s theme", (_, colours) => {
  test.each(pairs)("%s on %s has a contrast of at least %d", (front, back, least) => {
    expect(contrast(colours.get(front) ?? "", colours.get(back) ?? "")).toBeGreaterThanOrEqual(
      least,
    );
  });
});
