// Unit tests run in Node; a file that needs a page asks for happy-dom in its first lines.
import { defineConfig } from "vitest/config";

export default defineConfig({
  oxc: { jsx: { runtime: "automatic" } },
  test: { include: ["{contracts,components,trading-dashboard,admin-panel,scripts}/**/tests/**/*.test.{ts,tsx}"] },
});
