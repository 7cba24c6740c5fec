// What the browser test needs around it: a store made by the demo, `casebox serve`, Chromium. Everything
// started here is ended here. `skip` ends with 77, which CTest shows as skipped.
import { execFileSync, spawn } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const here = path.dirname(fileURLToPath(import.meta.url));
export const root = path.resolve(here, '../..');

export function skip(reason) {
  console.log(`SKIPPED: ${reason}`);
  process.exit(77);
}

export function chromiumPath() {
  const found = [process.env['CHROMIUM'], '/usr/bin/chromium', '/usr/bin/chromium-browser'].find((file) => file && fs.existsSync(file));
  return found ?? skip('no Chromium here; apt-get install chromium');
}

/** The packages of package-lock.json, installed once into `folder`. */
export async function playwright(folder) {
  const lock = fs.readFileSync(path.join(here, 'package-lock.json'));
  const stamp = path.join(folder, 'installed-lock');
  if (!fs.existsSync(stamp) || !fs.readFileSync(stamp).equals(lock)) {
    fs.mkdirSync(folder, { recursive: true });
    for (const name of ['package.json', 'package-lock.json']) fs.copyFileSync(path.join(here, name), path.join(folder, name));
    execFileSync('npm', ['ci', '--no-audit', '--no-fund', '--loglevel=error'], { cwd: folder, stdio: 'inherit' });
    fs.writeFileSync(stamp, lock);
  }
  return (await import(path.join(folder, 'node_modules/playwright-core/index.mjs'))).chromium;
}

/** A store with one simulated, recorded and analysed case; its folder. */
export function demoStore(casebox, folder, seed) {
  fs.rmSync(folder, { recursive: true, force: true });
  const out = execFileSync(casebox, ['demo', '--headless', '--seed', String(seed), '--out', folder, '--json'],
    { encoding: 'utf8', maxBuffer: 64 << 20, stdio: ['ignore', 'pipe', 'inherit'] });
  return JSON.parse(out).store_path;
}

/** The built page: beside the program, or bundled for this test. */
export function webFolder(casebox, folder) {
  const beside = path.join(path.dirname(casebox), 'web');
  if (fs.existsSync(path.join(beside, 'index.html'))) return beside;
  execFileSync(path.join(root, 'tools/page/build'), [folder], { stdio: 'inherit' });
  return folder;
}

/** Starts `casebox serve` on a free port; {url, stop}. */
export async function serve(casebox, store, web) {
  const child = spawn(casebox, ['serve', '--store', store, '--port', '0', '--web', web, '--json'], { stdio: ['ignore', 'pipe', 'inherit'] });
  const ended = new Promise((resolve) => child.on('exit', resolve));
  const line = await Promise.race([
    new Promise((resolve) => createInterface({ input: child.stdout }).once('line', resolve)),
    ended.then((code) => { throw new Error(`casebox serve ended with ${code}`); })]);
  return { url: JSON.parse(line).url, stop: async () => { child.kill('SIGTERM'); return ended; } };
}

export async function launch(chromium, executablePath) {
  const profile = fs.mkdtempSync(path.join(os.tmpdir(), 'casebox-browser-'));
  const context = await chromium.launchPersistentContext(profile, {
    executablePath, viewport: { width: 1400, height: 1000 }, reducedMotion: 'reduce',
    args: ['--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
      '--disable-component-update', '--disable-sync'],
  });
  return { context, close: async () => { await context.close(); fs.rmSync(profile, { recursive: true, force: true }); } };
}
