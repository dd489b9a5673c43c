import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { build } from "vite";
import { expect, test } from "vitest";

const root = fileURLToPath(new URL("..", import.meta.url));

/** What a folder holds: the bytes of each file, by its path. */
function contents(folder: string): Map<string, Buffer> {
  const paths = readdirSync(folder, { recursive: true, encoding: "utf8" })
    .map((path) => join(folder, path))
    .filter((path) => statSync(path).isFile())
    .sort();
  return new Map(paths.map((path) => [relative(folder, path), readFileSync(path)]));
}

test("dist is what the sources build", async () => {
  const folder = mkdtempSync(join(tmpdir(), "sepal-console-dist-"));
  try {
    await build({ root, mode: "production", logLevel: "error", build: { outDir: folder } });
    const [built, committed] = [contents(folder), contents(join(root, "dist"))];
    const stale = 'dist is stale: run "npm run build --workspace console" in clients/';
    expect([...committed.keys()], stale).toEqual([...built.keys()]);
    for (const [path, bytes] of built) {
      expect(committed.get(path)?.equals(bytes), `${path}: ${stale}`).toBe(true);
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
}, 60_000);

/** What the files of dist are on the wire, in bytes: those that index.html names, and each other. */
function wireSizes(): { first: number; later: number[] } {
  const sizes = { first: 0, later: [] as number[] };
  const files = contents(join(root, "dist"));
  const page = String(files.get("index.html"));
  for (const [path, bytes] of files) {
    const size = gzipSync(bytes).length;
    if (path === "index.html" || page.includes(`"./${path}"`)) sizes.first += size;
    else sizes.later.push(size);
  }
  return sizes;
}

test("the first view is less than 60 kB on the wire, and each that comes later less than 15 kB", () => {
  const { first, later } = wireSizes();
  expect(first).toBeLessThan(60_000);
  expect(later).toHaveLength(3);
  for (const size of later) expect(size).toBeLessThan(15_000);
});
