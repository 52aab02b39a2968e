// The law of imports is itself held: what it forbids, what it lets through.
import { describe, expect, it } from "vitest";
import { faultsOf, forbidden } from "../check-imports.mjs";

const FEATURE = "trading-dashboard/features/orders/orders.tsx";

describe("the import law", () => {
  it.each([
    [FEATURE, "trading-dashboard/features/chart/live-bars.ts"],
    [FEATURE, "trading-dashboard/app/page.tsx"],
    ["trading-dashboard/shared/live.tsx", "trading-dashboard/features/chart/live-bars.ts"],
    [FEATURE, "admin-panel/shared/polled.ts"],
    ["components/src/api.ts", "trading-dashboard/shared/live.tsx"],
    ["contracts/src/index.ts", "components/src/api.ts"],
  ])("keeps %s from importing %s", (from, to) => expect(forbidden(from, to)).toBeDefined());

  it.each([
    ["trading-dashboard/app/page.tsx", FEATURE],
    [FEATURE, "trading-dashboard/features/orders/columns.tsx"],
    [FEATURE, "trading-dashboard/shared/live.tsx"],
    [FEATURE, "components/src/api.ts"],
    ["trading-dashboard/tests/trading.test.ts", FEATURE],
  ])("lets %s import %s", (from, to) => expect(forbidden(from, to)).toBeUndefined());

  it("finds imports of several lines and dynamic ones", () => {
    const text = '// Orders.\nimport {\n  a,\n} from "../chart/x.ts";\nconst b = import("../ticket/y.tsx");\n';
    expect(faultsOf(FEATURE, text)).toHaveLength(2);
  });
});

describe("a file", () => {
  it("opens with a comment and stays short", () => {
    expect(faultsOf(FEATURE, "const a = 1;\n")).toHaveLength(1);
    expect(faultsOf(FEATURE, `// Orders.\n${"a;\n".repeat(250)}`)).toHaveLength(1);
    expect(faultsOf(FEATURE, "// Orders.\nconst a = 1;\n")).toEqual([]);
  });
});
