// What an operator meets on a running platform: honest engines, a ticket that explains, a pause that cannot be missed.
// Usage: node tests/operators.mjs SETUP_URL FOLDER CHROMIUM; prints one JSON line, exits 1 when a step did not happen.
import assert from "node:assert/strict";
import { mkdirSync } from "node:fs";
import path from "node:path";
import { chromium } from "playwright-core";

const [setupUrl, folder, executablePath] = process.argv.slice(2);
const base = new URL(setupUrl).origin;
mkdirSync(folder, { recursive: true });

const browser = await chromium.launch({
  executablePath,
  args: ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"],
});
const page = await (await browser.newContext({ viewport: { width: 1440, height: 900 } })).newPage();
const shoot = (name) => page.screenshot({ path: path.join(folder, `${name}.png`) });

/** Ask for it, give a reason, and tell how long it took from the platform's yes until the page showed it. */
async function change(button, shown) {
  await page.getByRole("button", { name: button }).click();
  await page.getByLabel(/Reason/).fill("a test");
  const accepted = page.waitForResponse((answer) => answer.url().endsWith("/api/v1/commands") && answer.status() === 202);
  await page.getByRole("dialog").getByRole("button", { name: button }).click();
  await accepted;
  const began = performance.now();
  await shown();
  return Math.round(performance.now() - began);
}

try {
  await page.goto(setupUrl);
  await page.locator("input[name=name]").fill("operator");
  for (const field of await page.locator("input[type=password]").all()) await field.fill("correct horse battery staple");
  await page.locator("button[type=submit]").click();
  await page.waitForURL((url) => url.pathname === "/", { timeout: 20_000 });
  await page.waitForFunction(() => [...document.querySelectorAll(".watchlist td.quote span")].some((cell) => /\d/.test(cell.textContent)), null, { timeout: 30_000 });

  const field = page.getByLabel("Volume in lots");
  await page.waitForFunction(() => document.querySelector(".ticket input").value !== "", null, { timeout: 10_000 });
  assert.equal(await field.inputValue(), "0.01");
  await field.fill("0.015");
  await page.getByRole("button", { name: /^Buy/ }).click();
  await page.getByText(/is traded in steps of 0.01 lots: use 0.01 or 0.02\./).waitFor();
  await field.fill("100000");
  await page.getByText(/The most that can be traded of/).waitFor();
  assert.equal(await page.getByRole("dialog").count(), 0);
  await shoot("ticket");

  // both are offered until the first heartbeat tells which of them makes sense
  await page.getByRole("button", { name: "Resume trading" }).waitFor({ state: "detached", timeout: 5_000 });
  const banner = page.locator(".banner.paused", { hasText: "Trading paused" });
  const pause_ms = await change("Pause trading", () => banner.waitFor({ timeout: 5_000 }));
  assert.equal(await page.getByRole("button", { name: "Pause trading" }).count(), 0);
  await page.getByRole("dialog").waitFor({ state: "detached" });
  await shoot("paused");
  await page.reload();
  await banner.waitFor({ timeout: 5_000 });
  const resume_ms = await change("Resume trading", () => banner.waitFor({ state: "detached", timeout: 5_000 }));
  assert.equal(await page.getByRole("button", { name: "Resume trading" }).count(), 0);

  await page.goto(`${base}/admin/`);
  // PostgreSQL has no port: it listens on a socket in the data directory
  for (const [said, port] of [["JetStream is on", /^\d+$/], ["takes connections", /^–$/]]) {
    const row = page.locator("tr", { hasText: said });
    await row.locator(".tag.good").waitFor({ timeout: 20_000 });
    assert.equal(await row.getByTitle("engines are probed by the hub").count(), 1);
    assert.match(await row.locator("td[data-title=Port]").innerText(), port);
  }
  await page.getByText(/^NATS \d+\.\d+\.\d+$/).first().waitFor();
  await page.waitForFunction(() => document.querySelectorAll("tbody .tag.bad").length === 0, null, { timeout: 20_000 });
  assert.equal(await page.getByText("never heard").count(), 0);
  await shoot("engines");
  console.log(JSON.stringify({ pause_ms, resume_ms }));
} catch (error) {
  await shoot("failed");
  console.log(JSON.stringify({ error: String(error) }));
  process.exitCode = 1;
} finally {
  await browser.close();
}
