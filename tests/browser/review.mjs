// Drives the review page as a person would: opens a case from the list, seeks, and checks that the picture is
// the one whose time bar (docs/simulator.md) says the time asked for, that waves are drawn, that a departure
// opens its evidence, that keys and wheel work, and that nothing is asked of any other host.
//
//   node review.mjs --casebox PROGRAM --out FOLDER [--seed N]   makes a store with the demo and serves it
//   node review.mjs --url URL --out FOLDER                      a page that is being served
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';

import { chromiumPath, demoStore, launch, playwright, serve, webFolder } from './harness.mjs';

const { values: options } = parseArgs({ options: {
  casebox: { type: 'string' }, url: { type: 'string' }, out: { type: 'string' }, seed: { type: 'string', default: '7' } } });
const kFrame = 0.1;        // s, of the simulator's cameras
const kClock = 0.06;       // s: a camera's clock is known to so much
const out = path.resolve(options.out ?? 'build/browser');
fs.mkdirSync(out, { recursive: true });

/** Case time that a video's picture says, read from its time bar; null without a picture. */
const shownTime = (page, stream) => page.evaluate((name) => {
  const video = document.querySelector(`[data-stream="${name}"] video`);
  if (!video || video.readyState < 2) return null;
  const canvas = document.createElement('canvas');
  canvas.width = video.videoWidth;
  canvas.height = video.videoHeight;
  const context = canvas.getContext('2d');
  context.drawImage(video, 0, 0);
  let tenths = 0;
  for (let i = 0; i < 32; ++i) {
    const [r, g, b] = context.getImageData(Math.floor((i + 0.5) * canvas.width / 32), 6, 1, 1).data;
    tenths = tenths * 2 + (r + g + b > 382 ? 1 : 0);
  }
  return tenths / 10;
}, stream);

async function until(what, probe, timeout = 15000) {
  const end = Date.now() + timeout;
  let last;
  while (Date.now() < end) {
    last = await probe();
    if (last === true) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  assert.fail(`${what}; last seen: ${JSON.stringify(last)}`);
}

const playhead = (page) => page.evaluate(() => Number(document.getElementById('main').dataset.playheadS));

/** Waits until the picture is the one of case time t, to a frame. */
const picture = (page, stream, t) => until(`${stream} shows ${t.toFixed(2)} s`, async () => {
  const shown = await shownTime(page, stream);
  return shown !== null && shown <= t + kClock && shown > t - kFrame - kClock ? true : shown;
});

const minutes = (t) => `${Math.floor(t / 60)}:${(t % 60).toFixed(2).padStart(5, '0')}`;

async function seek(page, t) {
  await page.getByLabel('Go to time, minutes:seconds').fill(minutes(t));
  await page.keyboard.press('Enter');
  await until(`the playhead is at ${t}`, async () => Math.abs(await playhead(page) - t) < 0.01 || playhead(page));
}

/** Pixels of each plot that are neither empty nor one flat colour, and a sum that changes with the picture. */
const drawn = (page) => page.evaluate(() => Object.fromEntries([...document.querySelectorAll('[data-plot]')].map((plot) => {
  const canvas = plot.querySelector('canvas');
  if (!canvas) return [plot.dataset.plot, { ink: 0, sum: 0 }];
  const data = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data;
  let ink = 0, sum = 0;
  for (let i = 0; i < data.length; i += 4) {
    const colourful = Math.max(data[i], data[i + 1], data[i + 2]) - Math.min(data[i], data[i + 1], data[i + 2]) > 40;
    if (data[i + 3] > 60 && colourful) { ++ink; sum = (sum * 31 + i) % 1e9; }
  }
  return [plot.dataset.plot, { ink, sum }];
})));

async function opensTheCase(page, url) {
  await page.goto(url);
  await page.getByRole('heading', { name: 'Cases' }).waitFor();
  const { cases } = await (await page.request.get(`${url}api/cases`)).json();
  assert.ok(cases.length > 0, 'the store has a case');
  let chosen = null;
  for (const { case_id } of cases) {
    const data = await (await page.request.get(`${url}api/cases/${case_id}`)).json();
    if (data.readable && data.streams.some((stream) => stream.kind === 'video') && data.findings.some((f) => f.kind === 'departure')) { chosen = data; break; }
  }
  assert.ok(chosen, 'a readable case has video and departures');
  await page.getByLabel('Filter the cases').fill(chosen.case_id);
  await page.getByRole('link', { name: chosen.case_id.slice(0, 8) }).click();
  await page.locator(`.case[data-case="${chosen.case_id}"]`).waitFor();
  return chosen;
}

/** Moments that every given video shows, spread over the case. */
async function moments(page, url, data, streams) {
  const lists = await Promise.all(streams.map(async (name) =>
    (await (await page.request.get(`${url}api/cases/${data.case_id}/media/${name}`)).json()).spans));
  const inside = (t) => lists.every((spans) => spans.some((span) => t > span.t0_s + 1 && t < span.t1_s - 1));
  const found = [0.62, 0.3, 0.31, 0.85, 0.12].map((share) => Math.floor(share * data.duration_s * 10) / 10 + 0.05).filter(inside);
  assert.ok(found.length >= 3, 'the videos cover the case');
  return found;
}

async function playsInStep(page, streams) {
  await page.locator('#main').focus();
  const from = await playhead(page);
  await page.keyboard.press('Space');
  await until('it plays', async () => await playhead(page) > from + 2 || playhead(page));
  for (const stream of streams) {
    const [t, shown] = [await playhead(page), await shownTime(page, stream)];
    assert.ok(shown !== null && Math.abs(shown - t) < 0.6, `${stream} plays at ${shown}, the playhead is at ${t}`);
  }
  await page.keyboard.press('Space');
  const stopped = await playhead(page);
  for (const stream of streams) await picture(page, stream, stopped);
  await new Promise((resolve) => setTimeout(resolve, 200));
  assert.equal(await playhead(page), stopped, 'Space stops it');
}

async function keysMove(page) {
  await page.locator('#main').focus();
  for (const [key, by] of [['ArrowRight', 1], ['Shift+ArrowRight', 10], ['ArrowLeft', -1], ['.', 0.04], [',', -0.04]]) {
    const before = await playhead(page);
    await page.keyboard.press(key);
    const after = await playhead(page);
    assert.ok(Math.abs(after - before - by) < 0.002, `${key} moved by ${after - before}, not ${by}`);
  }
}

async function wavesAreDrawn(page) {
  await until('every plot has ink', async () => {
    const plots = await drawn(page);
    return Object.keys(plots).length >= 4 && Object.values(plots).every((plot) => plot.ink > 100) ? true : plots;
  });
  const before = await drawn(page);
  const range = () => page.evaluate(() => document.getElementById('main').dataset.viewS);
  const shown = await range();
  await page.locator('#main').focus();
  for (let i = 0; i < 6; ++i) await page.keyboard.press('+');
  assert.notEqual(await range(), shown, 'plus zooms in');
  await until('zooming redraws the waves', async () => {
    const after = await drawn(page);
    return Object.entries(after).every(([name, plot]) => plot.sum !== before[name].sum) ? true : after;
  });
  const box = await page.locator('.timeline svg').first().boundingBox();
  const zoomed = await range();
  await page.mouse.move(box.x + box.width / 2, box.y + 20);
  await page.mouse.wheel(0, -300);
  await until('the wheel zooms', async () => await range() !== zoomed);
  await page.locator('#main').focus();
  await page.keyboard.press('0');
  assert.equal(await range(), shown, 'zero shows the whole case');
}

async function aClickSeeks(page) {
  const box = await page.locator('.timeline svg').first().boundingBox();
  const before = await playhead(page);
  await page.mouse.click(box.x + 112 + (box.width - 120) / 2, box.y + 8);
  await until('a click on the time line seeks', async () => Math.abs(await playhead(page) - before) > 1 || playhead(page));
}

async function departuresOpen(page, data) {
  const all = data.findings.filter((finding) => finding.kind === 'departure');
  const marker = page.locator(`.timeline [data-finding="${all[0].id}"]`);
  await marker.focus();
  await page.keyboard.press('Enter');
  const evidence = page.locator(`[data-evidence="${all[0].id}"]`);
  await evidence.waitFor();
  assert.ok(await evidence.locator('.source').count() > 0, 'the evidence names its source frames');
  assert.match(await evidence.locator('.source').first().innerText(), /[0-9a-f]{64}/);
  assert.equal(await evidence.locator('.differs').count(), 0, 'every source is stored as it was');
  assert.match(await evidence.innerText(), new RegExp(all[0].tag));
  await until('the playhead is at the departure', async () => Math.abs(await playhead(page) - Math.min(Math.max(all[0].t0_s, 0), data.duration_s)) < 0.01 || playhead(page));
  for (const finding of all.slice(1)) {  // by mouse, from the list
    await page.getByRole('button', { name: 'All departures' }).click();
    await page.getByRole('tabpanel').locator('li').nth(all.indexOf(finding)).getByRole('button').click();
    await page.locator(`[data-evidence="${finding.id}"]`).waitFor();
  }
}

async function everythingHasAName(page) {
  const unnamed = await page.evaluate(() => [...document.querySelectorAll('button, a[href], input, select, [role=button], [role=img]')]
    .filter((item) => !(item.getAttribute('aria-label') || item.textContent.trim() || item.labels?.length))
    .map((item) => item.outerHTML.slice(0, 80)));
  assert.deepEqual(unnamed, []);
}

const executable = chromiumPath();
const chromium = await playwright(path.join(out, 'packages'));
let server = { url: options.url, stop: async () => undefined };
if (!options.url) {
  const casebox = path.resolve(process.env['CASEBOX'] || options.casebox);
  const store = demoStore(casebox, path.join(out, 'demo'), options.seed);
  server = await serve(casebox, store, webFolder(casebox, path.join(out, 'web')));
}
const browser = await launch(chromium, executable);
const faults = [];
let page;
try {
  page = await browser.context.newPage();
  page.on('console', (message) => { if (message.type() === 'error') faults.push(`console: ${message.text()}`); });
  page.on('pageerror', (error) => faults.push(`error: ${error.message}`));
  page.on('request', (request) => { if (!/^(blob|data):/.test(request.url()) && !request.url().startsWith(server.url)) faults.push(`asks elsewhere: ${request.url()}`); });
  page.on('response', (response) => { if (response.status() >= 400) faults.push(`${response.status()} ${response.url()}`); });

  const data = await opensTheCase(page, server.url);
  const broken = new Set(data.clocks.filter((clock) => clock.broken).map((clock) => clock.clock_id));
  const streams = data.streams.filter((stream) => stream.kind === 'video' && !broken.has(stream.clock_id)).map((stream) => stream.name);
  assert.ok(streams.length > 0, 'a camera has a clock that holds');
  const times = await moments(page, server.url, data, streams);
  for (const t of times) {
    await seek(page, t);
    for (const stream of streams) await picture(page, stream, t);
    console.log(`seek to ${t.toFixed(2)} s: ${streams.join(', ')} show it`);
  }
  await playsInStep(page, streams);
  await keysMove(page);
  await wavesAreDrawn(page);
  await aClickSeeks(page);
  await departuresOpen(page, data);
  await everythingHasAName(page);
  await seek(page, times[0]);
  for (const stream of streams) await picture(page, stream, times[0]);
  await page.screenshot({ path: path.join(out, 'review.png'), fullPage: true });
  await page.emulateMedia({ colorScheme: 'dark' });
  await until('the plots are drawn in the dark', async () => Object.values(await drawn(page)).every((plot) => plot.ink > 100));
  await page.screenshot({ path: path.join(out, 'review-dark.png'), fullPage: true });
  assert.deepEqual(faults, []);
  console.log(`PASSED; screenshots in ${out}`);
} catch (error) {
  console.error(error);
  if (faults.length > 0) console.error(faults.join('\n'));
  await page?.screenshot({ path: path.join(out, 'failed.png'), fullPage: true }).catch(() => undefined);
  process.exitCode = 1;
} finally {
  await browser.close();
  await server.stop();
}
