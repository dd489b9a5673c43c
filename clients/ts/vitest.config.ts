import { defineConfig } from "vitest/config";
import { sharedResolve } from "../vite.shared.js";

export default defineConfig({
  resolve: sharedResolve,
  test: {
    include: ["test/**/*.test.ts"],
  },
});
