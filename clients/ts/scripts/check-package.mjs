// Packs the package, installs the tarball into a folder outside the repository and uses it
// there as a stranger would: type-checked with the README's examples, run in Node, and
// bundled for a browser.
import { execFileSync } from "node:child_process";
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "vite";

const root = fileURLToPath(new URL("..", import.meta.url));
const require = createRequire(import.meta.url);
const folder = mkdtempSync(join(tmpdir(), "sepal-client-"));
try {
  install();
  typecheck("tsconfig.browser.json");
  typecheck("tsconfig.node.json");
  run("node", ["use-node.mjs"]);
  await bundle();
  console.log("the package works outside the repository: types, Node, browser bundle");
} finally {
  rmSync(folder, { recursive: true, force: true });
}

/** Installs the tarball, and what a user of TypeScript on Node would have besides. */
function install() {
  const packed = run("npm", ["pack", "--json", "--pack-destination", folder], root, "pipe");
  const [{ filename, files }] = Object.values(JSON.parse(packed));
  const stray = files.filter((f) => !/^(dist\/|package\.json$|README\.md$)/.test(f.path));
  if (stray.length > 0) {
    throw new Error(`the package has files it should not: ${stray.map((f) => f.path)}`);
  }
  cpSync(join(root, "scripts", "consumer"), folder, { recursive: true });
  const examples = readFileSync(join(root, "README.md"), "utf8").matchAll(/^```ts\n(.*?)^```/gms);
  for (const [index, [, code]] of [...examples].entries()) {
    writeFileSync(join(folder, `readme-${index}.ts`), code);
  }
  const nodeTypes = require("../../package.json").devDependencies["@types/node"];
  writeFileSync(
    join(folder, "package.json"),
    JSON.stringify({
      private: true,
      type: "module",
      dependencies: { "@sepal-ml/client": `file:${filename}` },
      devDependencies: { "@types/node": nodeTypes },
    }),
  );
  run("npm", ["install", "--no-audit", "--no-fund"]);
}

function typecheck(project) {
  const tsc = join(dirname(require.resolve("typescript/package.json")), "bin", "tsc");
  run(process.execPath, [tsc, "-p", project]);
}

/** Bundles the browser entry, which must hold nothing of Node's. */
async function bundle() {
  const modules = new Set();
  await build({
    configFile: false,
    root: folder,
    logLevel: "warn",
    build: { lib: { entry: "use-browser.ts", formats: ["es"] }, outDir: "bundle" },
    plugins: [
      {
        name: "collect-modules",
        moduleParsed: ({ id, importedIds }) => {
          for (const module of [id, ...importedIds]) {
            modules.add(module);
          }
        },
      },
    ],
  });
  const ofNode = [...modules].filter((id) => /connect-node|node:|__vite-browser-external/.test(id));
  if (ofNode.length > 0 || ![...modules].some((id) => id.includes("@sepal-ml/client/dist"))) {
    throw new Error(`the browser bundle is not of the browser entry alone: ${[...modules]}`);
  }
  const code = readFileSync(join(folder, "bundle", "use-browser.js"));
  console.log(`browser bundle: ${modules.size} modules, ${Math.round(code.length / 1024)} KiB`);
}

function run(command, args, cwd = folder, stdout = "inherit") {
  return execFileSync(command, args, {
    cwd,
    stdio: ["ignore", stdout, "inherit"],
    encoding: "utf8",
  });
}
