// A newcomer's first minutes against a running platform: the setup link, a password, moving prices, a filled order.
// Usage: node tests/first-steps.mjs SETUP_URL FOLDER CHROMIUM; prints one JSON line, exits 1 when a step did not happen.
import { mkdirSync } from "node:fs";
import path from "node:path";
import { chromium } from "playwright-core";

const [setupUrl, folder, executablePath] = process.argv.slice(2);
const base = new URL(setupUrl).origin;
const faults = [];
mkdirSync(folder, { recursive: true });

const expected = (message) => message.text().includes("401") && message.location().url.endsWith("/api/v1/session");
const browser = await chromium.launch({
  executablePath,
  args: ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"],
});
const page = await (await browser.newContext({ viewport: { width: 1440, height: 900 } })).newPage();
await page.addInitScript(() => {
  document.addEventListener("securitypolicyviolation", (event) => console.error(`CSP ${event.violatedDirective} ${event.blockedURI}`));
});
page.on("console", (message) => message.type() === "error" && !expected(message) && faults.push(message.text()));
page.on("pageerror", (error) => faults.push(String(error)));

const quotes = () => [...document.querySelectorAll(".watchlist td.quote")].map((cell) => cell.textContent).join(" ");

try {
  await page.goto(setupUrl);
  await page.locator("input[name=name]").fill("newcomer");
  for (const field of await page.locator("input[type=password]").all()) await field.fill("correct horse battery staple");
  await page.screenshot({ path: path.join(folder, "first-user.png") });
  await page.locator("button[type=submit]").click();
  await page.waitForURL((url) => url.pathname === "/", { timeout: 20_000 });
  await page.getByText(/Simulated prices|Replayed prices/).first().waitFor({ timeout: 20_000 });
  await page.waitForFunction(() => [...document.querySelectorAll(".watchlist td.quote span")].some((cell) => /\d/.test(cell.textContent)), null, { timeout: 30_000 });
  const before = await page.evaluate(quotes);
  await page.waitForFunction((seen) => [...document.querySelectorAll(".watchlist td.quote")].map((cell) => cell.textContent).join(" ") !== seen, before, { timeout: 30_000 });
  const moved = await page.evaluate(quotes);
  await page.getByRole("tab", { name: /Orders/ }).click();
  await page.locator("table td").getByText(/^filled$/i).first().waitFor({ timeout: 180_000 });
  await page.screenshot({ path: path.join(folder, "orders.png") });
  await page.getByRole("tab", { name: /Positions/ }).click();
  await page.waitForTimeout(1_000);
  await page.screenshot({ path: path.join(folder, "trading.png") });
  await page.goto(`${base}/admin/`);
  await page.getByText("data-bridge").first().waitFor({ timeout: 20_000 });
  await page.waitForTimeout(2_500);
  await page.screenshot({ path: path.join(folder, "admin.png") });
  console.log(JSON.stringify({ before, moved, faults }));
  if (faults.length > 0) process.exitCode = 1;
} catch (error) {
  await page.screenshot({ path: path.join(folder, "failed.png") });
  console.log(JSON.stringify({ error: String(error), faults }));
  process.exitCode = 1;
} finally {
  await browser.close();
}
