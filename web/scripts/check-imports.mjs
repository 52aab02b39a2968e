// Hold the web's own law: app → features → shared, no feature imports another, short files that say what they are for.
import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";

const WEB = path.join(import.meta.dirname, "..");
const SKIP = new Set(["node_modules", ".next", "out", "dist"]);
const LONGEST = 250;
const GENERATED = new Set(["contracts/src/index.ts"]);
const IMPORT = /(?:^|\n)\s*(?:import|export)\s(?:[^;"']*?\sfrom\s)?["']([^"']+)["']|\bimport\(\s*["']([^"']+)["']/g;
const LAYERS = ["shared", "features", "app"];
const APPS = new Set(["trading-dashboard", "admin-panel"]);

/** The files below a folder, as paths with forward slashes from web/. */
function filesBelow(folder) {
  return readdirSync(path.join(WEB, folder), { withFileTypes: true }).flatMap((entry) => {
    const name = path.posix.join(folder, entry.name);
    if (entry.isDirectory()) return SKIP.has(entry.name) ? [] : filesBelow(name);
    return /\.(?:ts|tsx|mjs|css)$/.test(entry.name) && entry.name !== "next-env.d.ts" ? [name] : [];
  });
}

/** Where in the house a file stands: which app, which layer, which feature; tests stand where their subject does. */
function roomOf(file) {
  const [app, layer, feature] = file.split("/");
  return APPS.has(app) ? { app, layer, feature: layer === "features" ? feature : undefined } : { app };
}

/** Why `from` may not import `to` (both paths from web/), or undefined. */
export function forbidden(from, to) {
  const [here, there] = [roomOf(from), roomOf(to)];
  if (here.app === "components" && (APPS.has(there.app) || there.app === "tests")) return "components know no app";
  if (here.app === "contracts" && there.app !== "contracts") return "contracts import nothing";
  if (!APPS.has(here.app) || !APPS.has(there.app)) return undefined;
  if (here.app !== there.app) return "one app never imports the other";
  if (here.feature && there.feature && here.feature !== there.feature) return "a feature never imports a feature";
  const [low, high] = [LAYERS.indexOf(here.layer), LAYERS.indexOf(there.layer)];
  return low >= 0 && high > low ? `${here.layer} never imports ${there.layer}` : undefined;
}

/** Everything that is wrong with one file. */
export function faultsOf(file, text) {
  const faults = [];
  const lines = text.split("\n").length - 1;
  if (lines > LONGEST && !GENERATED.has(file)) faults.push(`${file}: ${lines} lines, at most ${LONGEST}`);
  if (!/^(?:\/\/|\/\*) ?\S/.test(text)) faults.push(`${file}: open with a comment that says what the file is for`);
  for (const match of text.matchAll(IMPORT)) {
    const asked = match[1] ?? match[2];
    const to = asked.startsWith(".") ? path.posix.join(path.posix.dirname(file), asked) : asked.replace(/^@web\//, "");
    const why = forbidden(file, to);
    if (why !== undefined) faults.push(`${file} imports ${asked}: ${why}`);
  }
  return faults;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const faults = filesBelow(".").flatMap((file) => faultsOf(file, readFileSync(path.join(WEB, file), "utf8")));
  for (const fault of faults) console.error(fault);
  if (faults.length === 0) console.log("The web's imports, sizes and opening comments are in order.");
  process.exit(faults.length === 0 ? 0 : 1);
}
