// Use the dashboards in Chromium against the fake gateway while it misbehaves: what is shown must stay true.
import assert from "node:assert/strict";
import { chromium } from "playwright-core";
import { makeGateway, USER } from "./fake-gateway.mjs";

const fake = makeGateway();
const base = await fake.listen(0);
const browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", args: ["--headless", "--no-sandbox", "--disable-gpu"] });
const context = await browser.newContext({ viewport: { width: 1440, height: 900 } });
const page = await context.newPage();
const done = [];

async function fact(sentence, check) {
  await check();
  done.push(sentence);
  console.log(`ok: ${sentence}`);
}

const strip = (words) => page.locator(".states", { hasText: new RegExp(words.replace(" ", "\\s*")) }).waitFor({ timeout: 20_000 });
const drop = () => {
  for (const stream of fake.streams) stream.drop();
};

try {
  await page.goto(`${base}/`);
  await page.waitForURL(/\/login\/$/);
  await fact("a wrong password is refused in the gateway's words", async () => {
    await page.getByLabel("Name").fill(USER.name);
    await page.getByLabel("Password").fill("not it at all");
    await page.getByRole("button", { name: "Sign in" }).click();
    await page.getByText("The name or the password is wrong.").waitFor();
  });
  await fact("signing in leads to live prices", async () => {
    await page.getByLabel("Password").fill(USER.password);
    await page.getByRole("button", { name: "Sign in" }).click();
    await page.waitForURL(`${base}/`);
    await strip("gateway live");
  });
  await fact("no token can be read by scripts, and nothing secret is kept in the browser's storage", async () => {
    assert.equal(await page.evaluate(() => document.cookie), "");
    const stored = await page.evaluate(() => JSON.stringify({ ...localStorage, ...sessionStorage }));
    assert.doesNotMatch(stored, /csrf|session/i);
  });
  await fact("the bus not being heard is said", async () => {
    fake.state.bus = false;
    await strip("bus not heard");
    fake.state.bus = true;
    await strip("bus heard");
  });
  await fact("a silent stream is called silent, prices go stale, and it recovers", async () => {
    fake.state.silent = true;
    await strip("gateway silent");
    await page.locator(".watchlist tr[data-stale]").nth(11).waitFor();
    fake.state.silent = false;
    await strip("gateway live");
    await page.waitForFunction(() => document.querySelectorAll(".watchlist tr[data-stale]").length === 2);
  });
  await fact("a lost stream is said at once and comes back by itself", async () => {
    fake.state.streamOpen = false;
    drop();
    await strip("gateway lost, trying again");
    assert.match(await page.locator(".states").innerText(), /bus\s+–/);
    fake.state.streamOpen = true;
    await strip("gateway live");
  });
  await fact("a lost message is noticed and filled from the store", async () => {
    for (const stream of fake.streams) stream.q += 3;
    await strip("1 gaps, filled from the store");
  });
  await fact("a pause needs a reason and is one command", async () => {
    await page.getByRole("button", { name: "Pause trading" }).click();
    const send = page.getByRole("dialog").getByRole("button", { name: "Pause trading" });
    assert.equal(await send.isDisabled(), true);
    await page.getByLabel(/Reason/).fill("news at two");
    await send.click();
    await page.getByText("Pause was accepted").waitFor();
    assert.deepEqual([...fake.commands.values()].map((each) => each.body), [{ kind: "pause", reason: "news at two" }]);
  });
  await fact("that trading is paused cannot be missed, and only resuming is offered", async () => {
    await page.locator(".banner.paused", { hasText: "Trading paused" }).waitFor({ timeout: 2_000 });
    await strip("Trading paused");
    assert.equal(await page.getByRole("button", { name: "Pause trading" }).count(), 0);
    await page.getByRole("button", { name: "Resume trading" }).click();
    await page.getByLabel(/Reason/).fill("news is over");
    await page.getByRole("dialog").getByRole("button", { name: "Resume trading" }).click();
    await page.locator(".banner.paused").waitFor({ state: "detached", timeout: 2_000 });
    await strip("Trading not paused");
    assert.equal(await page.getByRole("button", { name: "Resume trading" }).count(), 0);
  });
  await fact("both are offered while nobody knows whether trading is paused", async () => {
    fake.state.paused = null;
    await strip("Trading –");
    for (const name of ["Pause trading", "Resume trading"]) assert.equal(await page.getByRole("button", { name }).count(), 1);
    fake.state.paused = false;
    await strip("Trading not paused");
  });
  await fact("an order is confirmed, sent once, and appears among the orders", async () => {
    assert.equal(await page.getByLabel("Volume in lots").inputValue(), "0.01");
    await page.getByLabel("Volume in lots").fill("abc");
    await page.getByRole("button", { name: /^Buy/ }).click();
    await page.getByText("Digits with at most one point, more than 0").waitFor();
    await page.getByLabel("Volume in lots").fill("0.015");
    await page.getByText("AUDUSD is traded in steps of 0.01 lots: use 0.01 or 0.02.").waitFor();
    await page.getByRole("button", { name: /^Buy/ }).click();
    assert.equal(await page.getByRole("dialog").count(), 0);
    await page.getByLabel("Volume in lots").fill("0.03");
    await page.getByRole("button", { name: /^Buy/ }).click();
    await page.getByRole("dialog").getByRole("button", { name: "Buy at market" }).dblclick();
    await page.getByText(/is on its way/).waitFor();
    const orders = [...fake.commands.values()].filter((each) => each.body.kind === "place_order");
    assert.equal(orders.length, 1);
    assert.deepEqual(orders[0].body.order, { account: "5001234", symbol: "AUDUSD", side: "BUY", volume: "0.03" });
    await page.getByRole("tab", { name: "Orders (5)" }).waitFor();
  });
  await fact("closing a position sends the opposite side with its ticket", async () => {
    await page.getByRole("tab", { name: /Positions/ }).click();
    await page.getByRole("button", { name: "Close position 90211921" }).click();
    await page.getByRole("dialog").getByRole("button", { name: "Close position" }).click();
    await page.getByRole("dialog").waitFor({ state: "detached" });
    const order = { account: "5001234", symbol: "XAUUSD", side: "BUY", volume: "0.02", position: 90_211_921 };
    assert.deepEqual([...fake.commands.values()].at(-1).body, { kind: "place_order", order });
  });
  await fact("a click on a symbol in any table shows it on the chart", async () => {
    await page.locator(".trades button.symbol", { hasText: "USDJPY" }).click();
    await page.locator("#chart-title", { hasText: "USDJPY" }).waitFor();
  });
  await fact("the admin panel says when the hub is unreachable, and counts silence up", async () => {
    const admin = await context.newPage();
    fake.state.hub = false;
    await admin.goto(`${base}/admin/`);
    await admin.getByText("hub unreachable: this list is from heartbeats alone").waitFor();
    await admin.getByText("never heard").waitFor();
    fake.state.hub = true;
    await admin.getByText("hub reachable", { exact: true }).waitFor();
    const engine = admin.locator("tr", { hasText: "JetStream is on" });
    assert.equal(await engine.locator(".tag.good").count(), 1);
    assert.equal(await engine.getByTitle("engines are probed by the hub").count(), 1);
    assert.equal(await engine.getByText("never heard").count(), 0);
    await admin.close();
  });
  await fact("a viewer sees no button that trades", async () => {
    fake.state.role = "viewer";
    await page.reload();
    await strip("gateway live");
    for (const name of ["Pause trading", /^Buy/, /^Close position/]) assert.equal(await page.getByRole("button", { name }).count(), 0);
    assert.equal(await page.getByRole("link", { name: "Services" }).count(), 0);
    await page.goto(`${base}/admin/`);
    await page.getByText("This page is for administrators").waitFor();
    fake.state.role = "admin";
    await page.goto(`${base}/`);
  });
  await fact("signing out in one tab signs out the other", async () => {
    const other = await context.newPage();
    await other.goto(`${base}/`);
    await other.getByRole("button", { name: "Sign out" }).click();
    await other.waitForURL(/\/login\/$/);
    await page.waitForURL(/\/login\/$/);
  });
  console.log(`All ${done.length} facts hold.`);
} catch (error) {
  console.error(error);
  process.exitCode = 1;
} finally {
  await browser.close();
  fake.close();
}
