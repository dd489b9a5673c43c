import { defineConfig } from "vitest/config";
import { sharedResolve } from "../vite.shared.js";

export default defineConfig({
  resolve: sharedResolve,
  test: {
    projects: [
      {
        extends: true,
        test: { name: "unit", include: ["test/unit/**/*.test.ts"], testTimeout: 60_000 },
      },
      {
        extends: true,
        test: {
          name: "e2e",
          include: ["test/e2e/**/*.test.ts"],
          // Limits for what hangs. Where others compile, a server takes ten times as long.
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
