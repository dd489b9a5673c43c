import { defineConfig } from "vitest/config";
import { sharedResolve } from "../vite.shared.js";

export default defineConfig({
  // Relative addresses, so that the page also works behind a proxy that adds a path prefix.
  base: "./",
  resolve: sharedResolve,
  build: {
    target: "es2022",
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: true,
    rolldownOptions: {
      output: {
        // What several views share comes with the first, in one file: cut in parts it is larger.
        codeSplitting: {
          groups: [{ name: "page", test: (id) => !/\/src\/(access|live|models)\//.test(id) }],
        },
      },
    },
  },
  server: {
    proxy: { "^/sepal\\.": process.env.SEPAL_URL ?? "http://127.0.0.1:50051" },
  },
  test: {
    projects: [
      {
        extends: true,
        test: {
          name: "unit",
          include: ["test/*.test.ts", "test/{access,live,models}/*.test.ts"],
          testTimeout: 60_000,
        },
      },
      {
        extends: true,
        test: {
          name: "e2e",
          include: ["test/e2e/*.test.ts"],
          fileParallelism: false,
          // Limits for what hangs. Where others compile, a browser takes ten times as long.
          testTimeout: 120_000,
          hookTimeout: 120_000,
          expect: { poll: { timeout: 30_000 } },
          // A test that needs it is named in the summary of the run.
          retry: 1,
        },
      },
    ],
  },
});
