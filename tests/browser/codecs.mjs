// codecs.mjs --casebox PROGRAM --out FOLDER: what a browser can decode is shown, and of anything else the page says
// what it is and how to export it. The videos are made here by ffmpeg.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { chromiumPath, launch, playwright, serve, skip, webFolder } from './harness.mjs';

const { values: options } = parseArgs({ options: { casebox: { type: 'string' }, out: { type: 'string' } } });
const out = path.resolve(options.out);
const casebox = path.resolve(process.env['CASEBOX'] || options.casebox);
// The page's name of a codec; whether Chromium has a decoder of its own for it.
const kVideos = [
  { name: 'mpeg4', shown: false, says: 'MPEG-4', args: ['-c:v', 'mpeg4'], file: 'mpeg4.mp4' },
  { name: 'mjpeg', shown: false, says: 'Motion JPEG', args: ['-c:v', 'mjpeg', '-pix_fmt', 'yuvj420p'], file: 'mjpeg.mkv' },
  { name: 'vp9', shown: true, args: ['-c:v', 'libvpx-vp9', '-deadline', 'realtime'], file: 'vp9.webm' },
];

try { execFileSync('ffmpeg', ['-version'], { stdio: 'ignore' }); } catch { skip('no ffmpeg here'); }
const executable = chromiumPath();
const chromium = await playwright(path.join(out, 'packages'));
const folder = path.join(out, 'codecs');
fs.rmSync(folder, { recursive: true, force: true });
fs.mkdirSync(folder, { recursive: true });
const store = path.join(folder, 'store');
for (const one of kVideos) {
  const file = path.join(folder, one.file);
  execFileSync('ffmpeg', ['-v', 'error', '-y', '-f', 'lavfi', '-i', 'testsrc=s=160x120:r=10:d=3', ...one.args, '-g', '10', file]);
  const text = execFileSync(casebox, ['import', `scope=${file}`, '--case', one.name, '--store', store, '--json'], { encoding: 'utf8' });
  one.id = JSON.parse(text).case_id;
}
const server = await serve(casebox, store, webFolder(casebox, path.join(out, 'web')));
const browser = await launch(chromium, executable);
try {
  const page = await browser.context.newPage();
  for (const one of kVideos) {
    await page.goto(`${server.url}#/case/${one.id}`);
    await page.locator(`.case[data-case="${one.id}"]`).waitFor();
    const note = page.locator('[data-stream="scope.video"] .none');
    if (one.shown) {
      await page.waitForFunction(() => document.querySelector('[data-stream="scope.video"] video')?.readyState >= 2);
      assert.equal(await note.isVisible(), false, `${one.name}: ${await note.textContent()}`);
    } else {
      await page.waitForFunction(() => /casebox export/.test(document.querySelector('[data-stream="scope.video"] .none')?.textContent ?? ''));
      const said = await note.textContent();
      assert.ok(said.includes(`cannot show ${one.says} video`), said);
      assert.ok(said.includes(`casebox export ${one.id} --format mp4 --stream scope.video`), said);
    }
    console.log(`${one.name}: ${one.shown ? 'shown' : 'said'}`);
  }
  console.log('PASSED');
} catch (error) {
  console.error(error);
  process.exitCode = 1;
} finally {
  await browser.close();
  await server.stop();
}
