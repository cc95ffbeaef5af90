/**
 * Goal: the page of a ring shows the ring as it is, looks keys up and stores values, by keyboard
 * alone, and talks to nobody but the node that serves it.
 * Method: a browser on a real ring of three; what the page shows is compared with the model and
 * with the nodes' own answers. Pictures of the page are left in artifacts/e2e.
 */
import assert from "node:assert/strict";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import type { Browser, ConsoleMessage, Page } from "playwright-core";
import { launchBrowser } from "../hack/lib/browser.ts";
import { config } from "./config.ts";
import { idOf } from "./support/model.ts";
import { get, lookUp, put, Ring } from "./support/ring.ts";
import { testTimeoutMs, useNamespace } from "./support/suite.ts";
import { eventually, minuteMs, secondMs } from "./support/wait.ts";

const NODES = 3;
const KEY = "alice/7 ü?";
const VALUE = "<b>not markup</b> grüezi";
const TABS_MAX = 120;

/** What the page does that nobody sees: its requests, its complaints. */
class Watch {
  readonly origins = new Set<string>();
  readonly complaints: string[] = [];

  constructor(page: Page) {
    page.on("request", (request) => this.origins.add(new URL(request.url()).origin));
    page.on("pageerror", (error) => this.complaints.push(error.stack ?? error.message));
    page.on("console", (message: ConsoleMessage) => {
      const { url } = message.location();
      if (message.type() === "error") this.complaints.push(`${message.text()} at ${url}`);
    });
  }
}

/** Presses Tab until the element has the focus: what cannot be reached so fails here. */
async function tabTo(page: Page, selector: string): Promise<void> {
  for (let presses = 0; presses < TABS_MAX; presses += 1) {
    if ((await page.locator(`${selector}:focus`).count()) > 0) return;
    await page.keyboard.press("Tab");
  }
  assert.fail(`${selector} is not reached by ${TABS_MAX} presses of Tab`);
}

async function press(page: Page, selector: string): Promise<void> {
  await tabTo(page, selector);
  await page.keyboard.press("Enter");
}

/** The whole text of an element as soon as it matches. */
async function shows(page: Page, selector: string, pattern: RegExp): Promise<string> {
  return eventually(`${selector} shows ${pattern}`, 15 * secondMs, async () => {
    const text = await page.locator(selector).innerText();
    assert.match(text, pattern);
    return text;
  });
}

async function picture(page: Page, name: string): Promise<void> {
  await mkdir(config.artifacts, { recursive: true });
  await page.screenshot({ path: join(config.artifacts, `ui-${name}.png`) });
}

describe("ui: the page shows the ring and works by keyboard alone", function () {
  this.timeout(testTimeoutMs);
  const namespace = useNamespace("ui");
  let ring: Ring;
  let browser: Browser;
  let page: Page;
  let watch: Watch;
  let base: string;

  before(async () => {
    ring = await Ring.create(namespace, "live", { replicas: NODES });
    await ring.ideal(NODES, 3 * minuteMs);
    base = await ring.baseUrl();
    browser = await launchBrowser();
    page = await browser.newPage({ viewport: { width: 1400, height: 860 } });
    watch = new Watch(page);
    await page.goto(`${base}/ui`);
  });

  after(async () => {
    await browser?.close();
  });

  it("names the ring, the node that serves it, and every node with its state", async () => {
    await shows(page, "#health", /^Ideal$/);
    assert.equal(await page.locator("#ring-name").innerText(), "live");
    assert.equal(await page.locator("#entry").innerText(), "You are talking to live-0");
    assert.equal(await page.locator("#dial").getByRole("option").count(), NODES);
    for (const name of ring.podNames(NODES)) {
      const options = page
        .locator("#dial")
        .getByRole("option", { name: new RegExp(`^${name}, member,`) });
      assert.equal(await options.count(), 1, name);
    }
  });

  it("places a key by its own hash while it is typed, then looks it up on Enter", async () => {
    const owner = ring.model(NODES).owner(KEY);
    await tabTo(page, "#key");
    await page.keyboard.type(KEY);
    const place = await shows(page, "#key-place", /SHA-1/);
    assert.ok(place.includes(idOf(KEY).slice(0, 8)) && place.includes(owner), place);
    await page.keyboard.press("Enter");
    await shows(page, "#lookup-result .headline", new RegExp(`^${owner} owns this key`));
    const { path, hops } = await lookUp(await ring.node(0), KEY);
    const [list] = await page.locator("#lookup-result .route-list").allInnerTexts();
    for (const { node } of path) assert.ok(list?.includes(node.name), list);
    const last = path.at(-1)?.node.name;
    const drawn = hops + (last === owner ? 0 : 1);
    assert.equal(await page.locator(".route.finger .hop, .route.finger .answer").count(), drawn);
    await picture(page, "lookup");
  });

  it("compares the lookup by fingers with the walk", async () => {
    await press(page, "#compare");
    await shows(page, "#lookup-result .comparison", /Fingers[^]*hops?[^]*Successors[^]*hops?/);
  });

  it("stores a value and reads it back as text, never as markup", async () => {
    await tabTo(page, "#value");
    await page.keyboard.type(VALUE);
    await page.keyboard.press("Control+Enter");
    const stored = await shows(page, "#value-result", /Stored/);
    const reply = await get(await ring.node(1), KEY);
    assert.equal(reply.body.toString(), VALUE);
    const version = String(reply.headers.etag);
    assert.ok(stored.includes(version) && stored.includes(ring.model(NODES).owner(KEY)), stored);
    await press(page, "#get");
    await shows(page, "#value-result .headline", /200 Read/);
    assert.equal(await page.locator("#value-result pre").textContent(), VALUE);
    assert.equal(await page.locator("#value-result b").count(), 0);
  });

  it("shows bytes that are no text in hexadecimal", async () => {
    const bytes = Buffer.from([0, 255, 16]);
    await put(await ring.node(2), KEY, { contentType: "application/octet-stream", bytes });
    await press(page, "#get");
    await shows(page, "#value-result pre", /^0000 {2}00 ff 10$/);
  });

  it("says when a value will be deleted", async () => {
    const value = { contentType: "text/plain", bytes: Buffer.from(VALUE), ttlSeconds: 3_000 };
    await put(await ring.node(2), KEY, value);
    await press(page, "#get");
    await shows(page, "#value-result .note:last-of-type", /^The ring deletes it in 50 min\./);
  });

  it("selects nodes along the circle by arrow keys, and none by Escape", async () => {
    await page.reload();
    await shows(page, "#health", /^Ideal$/);
    await tabTo(page, "#dial");
    const model = ring.podNames(NODES).toSorted((a, b) => (idOf(a) < idOf(b) ? -1 : 1));
    for (const name of model) {
      await page.keyboard.press("ArrowRight");
      await shows(page, "#node", new RegExp(`^${name}`));
    }
    const view = (await ring.views()).find(({ self }) => self.name === model.at(-1));
    const text = (await page.locator("#node").innerText()).replaceAll(/\s/g, "");
    for (const fact of [view?.self.id ?? "?", view?.self.address ?? "?"]) {
      assert.ok(text.includes(fact), `${fact} in ${text}`);
    }
    for (const { name } of view?.successors ?? []) assert.ok(text.includes(name), name);
    await picture(page, "node");
    await page.keyboard.press("Escape");
    await shows(page, "#node", /Select a node/);
  });

  it("shows by itself what others change: a value, a node that joins", async () => {
    const held = await shows(page, "#ring", /\d+ held/);
    await put(await ring.node(1), "bob", { contentType: "text/plain", bytes: Buffer.from("1") });
    await eventually("the count of keys changes", 15 * secondMs, async () => {
      assert.notEqual(await page.locator("#ring").innerText(), held);
    });
    await ring.scale(NODES + 1);
    await ring.ideal(NODES + 1, 3 * minuteMs);
    await shows(page, "#events", new RegExp(`live-${NODES} appeared`));
    await shows(page, "#health", /^Ideal$/);
    assert.equal(await page.locator("#dial").getByRole("option").count(), NODES + 1);
  });

  it("fits a phone, and a dark room", async () => {
    await page.setViewportSize({ width: 360, height: 740 });
    await page.emulateMedia({ colorScheme: "dark" });
    await shows(page, "#health", /^Ideal$/);
    const root = "document.documentElement";
    assert.equal(await page.evaluate(`${root}.scrollWidth - ${root}.clientWidth`), 0);
    await picture(page, "phone-dark");
  });

  it("asked nobody but its own node and complained of nothing", () => {
    assert.deepEqual([...watch.origins], [new URL(base).origin]);
    assert.deepEqual(watch.complaints, []);
  });

  it("says in the node's own words that there is no value", async () => {
    await tabTo(page, "#key");
    await page.keyboard.press("ControlOrMeta+A");
    await page.keyboard.type("nothing is here");
    await press(page, "#get");
    const { body } = await get(await ring.node(0), "nothing is here");
    const { error } = JSON.parse(body.toString()) as { error: { message: string } };
    const shown = await shows(page, "#value-result .failure", /404/);
    assert.ok(shown.includes(error.message), shown);
  });
});
