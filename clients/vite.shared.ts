import { fileURLToPath } from "node:url";

/**
 * How Vite and Vitest resolve what lies outside a workspace; the counterpart of `paths` in
 * tsconfig.base.json. `gen/ts` lies beside `clients/`, so it finds no `node_modules` by
 * itself, and `@sepal-ml/client` is taken from its sources, so that nothing is stale.
 */
export const sharedResolve = {
  alias: [
    { find: /^#gen\/(.*)\.js$/, replacement: `${path("../gen/ts/")}$1.ts` },
    { find: /^@sepal-ml\/client$/, replacement: path("./ts/src/index.ts") },
    { find: /^@sepal-ml\/client\/node$/, replacement: path("./ts/src/node.ts") },
    {
      find: /^@bufbuild\/protobuf$/,
      replacement: path("./node_modules/@bufbuild/protobuf/dist/esm/index.js"),
    },
    {
      find: /^@bufbuild\/protobuf\/(codegenv2|reflect|wire|wkt)$/,
      replacement: `${path("./node_modules/@bufbuild/protobuf/dist/esm/")}$1/index.js`,
    },
  ],
  dedupe: ["@bufbuild/protobuf"],
};

function path(relative: string): string {
  return fileURLToPath(new URL(relative, import.meta.url));
}
