// A person's life with the platform in a real browser: second factors, signing out and back in, a key, hostile names.
// Usage: node tests/people.mjs SETUP_URL FOLDER CHROMIUM; prints one JSON line of what was seen, exits 1 when a step did not happen.
import { createHmac } from "node:crypto";
import { mkdirSync } from "node:fs";
import path from "node:path";
import { chromium } from "playwright-core";

const [setupUrl, folder, executablePath] = process.argv.slice(2);
const base = new URL(setupUrl).origin;
const PASSWORD = "correct horse battery staple";
const HOSTILE = '<img src=x onerror="window.hit=1">';
const faults = [];
const seen = {};
mkdirSync(folder, { recursive: true });

/** Source: RFC 6238 with SHA-1, six digits, thirty seconds. */
function totp(secret) {
  const bits = [...secret].map((letter) => "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567".indexOf(letter).toString(2).padStart(5, "0")).join("");
  const key = Buffer.from(bits.match(/.{8}/g).map((byte) => Number.parseInt(byte, 2)));
  const counter = Buffer.alloc(8);
  counter.writeBigUInt64BE(BigInt(Math.floor(Date.now() / 30_000)));
  const mac = createHmac("sha1", key).update(counter).digest();
  const at = mac[19] & 15;
  return String((mac.readUInt32BE(at) & 0x7f_ff_ff_ff) % 1_000_000).padStart(6, "0");
}

const browser = await chromium.launch({
  executablePath,
  args: ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"],
});
const context = await browser.newContext({ viewport: { width: 1440, height: 900 } });
const page = await context.newPage();
const expected = (message) => /40[13]/.test(message.text()) && message.location().url.includes("/api/v1/");
page.on("console", (message) => message.type() === "error" && !expected(message) && faults.push(message.text()));
page.on("pageerror", (error) => faults.push(String(error)));
const device = await context.newCDPSession(page);
await device.send("WebAuthn.enable");
await device.send("WebAuthn.addVirtualAuthenticator", { options: { protocol: "ctap2", transport: "internal", hasResidentKey: true, hasUserVerification: true, isUserVerified: true, automaticPresenceSimulation: true } });

const shoot = (title) => page.screenshot({ path: path.join(folder, `${title}.png`) });
const button = (name, exact = true) => page.getByRole("button", { name, exact });
const kept = async () => {
  await page.locator(".codes code").first().waitFor();
  const text = (await page.locator(".codes code").allTextContents()).map((code) => code.trim());
  await button("I have kept them").click();
  await page.getByRole("dialog").waitFor({ state: "detached" });
  return text;
};
const home = () => page.waitForURL((url) => url.pathname === "/", { timeout: 20_000 });

async function leave() {
  await button("Sign out").click();
  await page.waitForURL(/\/login\//);
}

async function password() {
  await page.locator("input[name=name]").fill("owner");
  await page.locator("input[name=password]").fill(PASSWORD);
  await page.locator("button[type=submit]").click();
}

try {
  await page.goto(setupUrl);
  await page.locator("input[name=name]").fill("owner");
  for (const field of await page.locator("input[type=password]").all()) await field.fill(PASSWORD);
  await page.locator("button[type=submit]").click();
  await home();

  await page.goto(`${base}/security/`);
  await button("Set up").click();
  const secret = (await page.locator("code.secret").textContent()).replaceAll(" ", "");
  await page.locator("img.qr").waitFor();
  await page.getByLabel("Six-digit code").fill(totp(secret));
  await shoot("totp");
  await button("Turn on").click();
  const codes = await kept();
  seen.codes = codes.length;

  await button("Add").click();
  await page.getByLabel("Name of the device").fill(HOSTILE);
  await button("Go on").click();
  await page.getByText(HOSTILE).first().waitFor();

  await button("New key").click();
  await page.getByLabel("Name").fill(HOSTILE);
  await button("Make key").click();
  const key = await page.locator("code.secret").textContent();
  await button("I have kept it").click();
  await page.getByText(HOSTILE).nth(1).waitFor();
  await page.waitForTimeout(500);
  seen.hit = await page.evaluate(() => window.hit ?? 0);
  const withKey = async () => (await context.request.fetch(`${base}/api/v1/symbols`, { headers: { Authorization: `Bearer ${key}`, Cookie: "" } })).status();
  seen.key = await withKey();
  await button("Revoke").click();
  await page.getByRole("dialog").getByRole("button", { name: "Revoke" }).click();
  await page.getByText("No key.", { exact: false }).waitFor();
  const revoked = Date.now();
  while ((seen.revoked = await withKey()) === 200 && Date.now() - revoked < 5_000) await page.waitForTimeout(50);
  seen.revokedAfterMs = Date.now() - revoked;
  await shoot("security");

  await page.goto(`${base}/`);
  await page.locator(".watchlist").waitFor();
  await leave();
  // the page behind asks who is there and leads away: whatever is on its way has to arrive before anything is read
  await page.goBack({ waitUntil: "commit" });
  await page.waitForURL(/\/login\//, { timeout: 10_000 });
  await page.waitForLoadState("networkidle");
  await page.locator("input[name=name]").waitFor();
  seen.afterBack = await page.evaluate(() => document.body.textContent);
  seen.stored = await page.evaluate(async () => ({
    local: Object.entries(localStorage),
    session: Object.entries(sessionStorage),
    caches: await caches.keys(),
    databases: (await indexedDB.databases()).length,
    cookies: document.cookie,
  }));

  await password();
  await page.getByText("One more step").waitFor();
  await shoot("second-factor");
  await button("Use a recovery code").click();
  await page.getByLabel("Recovery code").fill(codes[0]);
  await button("Sign in").click();
  await home();
  await leave();

  await password();
  await page.getByText("One more step").waitFor();
  await button("Use a recovery code").click();
  await page.getByLabel("Recovery code").fill(codes[0]);
  await button("Sign in").click();
  seen.spentCode = await page.locator(".proof [role=alert]").textContent();

  await page.goto(`${base}/login/`);
  await button("Sign in with a passkey").click();
  await home();
  await page.goto(`${base}/security/`);
  await page.getByText("this one").waitFor();
  seen.sessions = await page.getByRole("group", { name: "Sessions" }).locator("tbody tr").count();
  seen.proof = await page.locator("tr", { hasText: "this one" }).textContent();
  await shoot("sessions");
  await page.goto(`${base}/admin/users/`);
  await page.getByText("app, 1 passkey").waitFor();
  await shoot("users");
  console.log(JSON.stringify({ ...seen, faults }));
} catch (error) {
  await shoot("failed");
  console.log(JSON.stringify({ error: String(error), ...seen, faults }));
  process.exitCode = 1;
} finally {
  await browser.close();
}
