// Open every page in Chromium, use what is on it, take screenshots, and fail on any violation, error or clipped layout.
// Usage: node tests/pages.mjs FOLDER [BASE NAME PASSWORD]; without BASE it starts the fake gateway.
import { mkdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import path from "node:path";
import { chromium } from "playwright-core";
import { makeGateway, USER } from "./fake-gateway.mjs";
import { CODE } from "./fake-people.mjs";

const [folder = "shots", base_, name = USER.name, password = USER.password] = process.argv.slice(2);
const fake = base_ === undefined ? makeGateway() : undefined;
const base = base_ ?? (await fake.listen(0));
const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const SIZES = { desktop: { width: 1440, height: 900 }, phone: { width: 390, height: 844 } };
const findings = [];
mkdirSync(folder, { recursive: true });

/** Chromium calls every refusal an error; we do not: signed out, and where a fresh proof is asked for first. */
const expected = (message) =>
  (message.text().includes("403") && message.location().url.endsWith("/api/v1/commands")) ||
  (message.text().includes("401") && message.location().url.endsWith("/api/v1/session")) ||
  (message.text().includes("404") && message.location().url.endsWith("/nowhere/"));

async function open(browser, size) {
  const context = await browser.newContext({ viewport: SIZES[size], deviceScaleFactor: 1 });
  await context.addInitScript(() => {
    document.addEventListener("securitypolicyviolation", (event) => console.error(`CSP ${event.violatedDirective} ${event.blockedURI} ${event.sample}`));
  });
  const page = await context.newPage();
  page.on("console", (message) => message.type() === "error" && !expected(message) && findings.push(`${size} ${page.url()} ${message.text()}`));
  page.on("pageerror", (error) => findings.push(`${size} ${page.url()} ${error.stack ?? error}`));
  return page;
}

async function shoot(page, size, title) {
  await page.waitForTimeout(350);
  const overflow = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
  if (overflow > 0) findings.push(`${size} ${title}: the page is ${overflow} px wider than the window`);
  await page.screenshot({ path: path.join(folder, `${title}-${size}.png`), fullPage: size === "phone" && (await page.getByRole("dialog").count()) === 0 });
}

/** axe runs in a world of its own through the debugger, which the page's policy does not govern. */
async function accessible(page, size, title) {
  const session = await page.context().newCDPSession(page);
  const expression = `${axe}; axe.run(document, { runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"] })
    .then((result) => JSON.stringify(result.violations.map((each) => [each.id, each.nodes.map((node) => node.html.slice(0, 140) + " " + (node.any[0]?.message ?? ""))])))`;
  const { result, exceptionDetails } = await session.send("Runtime.evaluate", { expression, awaitPromise: true, returnByValue: true });
  if (exceptionDetails) return void findings.push(`${size} ${title}: axe did not run: ${exceptionDetails.text}`);
  for (const [rule, nodes] of JSON.parse(result.value)) findings.push(`${size} ${title}: axe ${rule}: ${nodes.slice(0, 3).join(" | ")}`);
}

async function dialog(page, size, button, title, cancel = true) {
  await page.getByRole("button", { name: button }).first().click();
  await page.getByRole("dialog").waitFor();
  await shoot(page, size, title);
  if (cancel) {
    await page.getByRole("button", { name: "Cancel" }).click();
    await page.getByRole("dialog").waitFor({ state: "detached" });
  }
}

async function trading(page, size) {
  await page.waitForFunction(() => [...document.querySelectorAll(".watchlist td.quote span")].some((cell) => /\d/.test(cell.textContent)), null, { timeout: 15_000 });
  await page.waitForFunction(() => document.querySelector(".chart .over") === null && document.querySelectorAll(".chart canvas").length > 0, null, { timeout: 15_000 });
  const positions = page.locator(".trades button.symbol");
  if ((await positions.count()) > 0) await positions.first().click();
  await page.waitForTimeout(1_500);
  await shoot(page, size, "trading");
  await accessible(page, size, "trading");
  await page.getByRole("tab", { name: /Orders/ }).click();
  await shoot(page, size, "orders");
  await page.getByRole("tab", { name: /Executions/ }).click();
  await shoot(page, size, "executions");
  const symbols = page.locator(".watchlist button.symbol");
  await symbols.nth((await symbols.count()) - 1).click();
  await page.getByRole("button", { name: "H1" }).click();
  await page.waitForTimeout(500);
  await dialog(page, size, "Pause trading", "pause");
  await dialog(page, size, /^Buy/, "order");
  if (fake) {
    fake.state.paused = true;
    await page.locator(".banner.paused").waitFor();
    await page.getByLabel("Volume in lots").fill("0.015");
    await page.getByRole("button", { name: /^Buy/ }).click();
    await shoot(page, size, "paused");
    await accessible(page, size, "paused");
    fake.state.paused = false;
    await page.locator(".banner.paused").waitFor({ state: "detached" });
  }
  await page.getByRole("button", { name: "Light theme" }).click();
  await shoot(page, size, "light");
  await accessible(page, size, "light");
  await page.getByRole("button", { name: "Dark theme" }).click();
}

/** The pages about people: only in front of the fake gateway, whose people may be changed. */
async function people(page, size) {
  await page.goto(`${base}/security/`);
  await page.getByText("nightly report").waitFor();
  await shoot(page, size, "security");
  await accessible(page, size, "security");
  await page.getByRole("button", { name: "Set up" }).click();
  await page.getByLabel("Six-digit code").fill(CODE);
  await shoot(page, size, "totp");
  await accessible(page, size, "totp");
  await page.getByRole("button", { name: "Turn on" }).click();
  await page.getByText("Keep these recovery codes").waitFor();
  await shoot(page, size, "recovery-codes");
  await page.getByRole("button", { name: "I have kept them" }).click();
  await dialog(page, size, "New key", "api-key");
  await page.getByRole("button", { name: "End", exact: true }).first().click();
  await page.getByText("Windows").waitFor({ state: "detached" });
  await page.getByRole("button", { name: "Remove" }).first().click();
  await page.getByRole("dialog").getByRole("button", { name: "Remove" }).click();
  await page.getByRole("button", { name: "Set up" }).waitFor();
  await page.goto(`${base}/admin/users/`);
  await page.getByText("riva").waitFor();
  await shoot(page, size, "users");
  await accessible(page, size, "users");
  await dialog(page, size, "New user", "new-user");
  await dialog(page, size, "Change", "edit-user");
  await page.goto(`${base}/admin/limits/`);
  await page.getByText("London session").waitFor();
  await shoot(page, size, "limits");
  await accessible(page, size, "limits");
  await dialog(page, size, "New limits", "new-limits");
  // the second size finds it decided by the first
  if ((await page.getByRole("button", { name: "Approve" }).count()) > 0) {
    await page.getByRole("button", { name: "Approve" }).click();
    await page.getByRole("dialog").getByRole("button", { name: "Approve" }).click();
    await page.getByRole("dialog").waitFor({ state: "detached" });
  }
  await page.getByText("applied").waitFor();
  fake.state.doubt = true;
  await page.goto(`${base}/`);
  await page.getByRole("button", { name: "Pause trading" }).click();
  await page.getByLabel("Reason, kept in the audit trail").fill("news");
  await page.getByRole("dialog").getByRole("button", { name: "Pause trading" }).click();
  await page.getByText("Confirm that it is you").first().waitFor();
  await shoot(page, size, "step-up");
  await accessible(page, size, "step-up");
  await page.getByLabel(/Six-digit code/).fill(CODE);
  await page.getByRole("button", { name: "Confirm", exact: true }).click();
  await page.locator(".banner.paused").waitFor();
  fake.state.paused = false;
}

async function round(browser, size) {
  const page = await open(browser, size);
  if (fake) fake.state.setupNeeded = true;
  await page.goto(`${base}/setup/?code=test-code`);
  await page.getByRole("heading", { name: /first user|set up/ }).waitFor();
  if (fake) fake.state.setupNeeded = false;
  await shoot(page, size, "setup");
  await accessible(page, size, "setup");
  await page.goto(`${base}/nowhere/`);
  await shoot(page, size, "not-found");
  await page.goto(`${base}/login/`);
  await page.getByLabel("Name").waitFor();
  await shoot(page, size, "login");
  await accessible(page, size, "login");
  await page.getByLabel("Name").fill(name);
  await page.getByLabel("Password").fill(password);
  if (fake) fake.state.factor = true;
  await page.getByRole("button", { name: "Sign in", exact: true }).click();
  if (fake) {
    await page.getByText("One more step").waitFor();
    await shoot(page, size, "second-factor");
    await accessible(page, size, "second-factor");
    await page.getByLabel(/Six-digit code/).fill(CODE);
    await page.getByRole("button", { name: "Sign in", exact: true }).click();
    fake.state.factor = false;
  }
  await page.waitForURL(`${base}/`);
  await trading(page, size);
  if (fake) await people(page, size);
  await page.goto(`${base}/admin/`);
  await page.getByText("api-gateway").first().waitFor();
  await page.waitForTimeout(2_500);
  await shoot(page, size, "admin");
  await accessible(page, size, "admin");
  await page.getByRole("button", { name: "Sign out" }).click();
  await page.waitForURL(/\/login\//);
  await page.context().close();
}

const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
  args: ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"],
});
try {
  for (const size of Object.keys(SIZES)) await round(browser, size);
} catch (error) {
  findings.push(String(error));
} finally {
  await browser.close();
  fake?.close();
}
for (const finding of findings) console.error(finding);
console.log(findings.length === 0 ? `Every page is clean; screenshots are in ${folder}.` : `${findings.length} findings.`);
process.exit(findings.length === 0 ? 0 : 1);
