import * as api from './api';
import { h } from './dom';
import { codecName, words } from './format';
import type { Playhead } from './state';
import type { Media } from './types';

const kAhead = 8;     // s fetched ahead
const kBehind = 30;   // s kept behind
const kLead = 1;      // s before the first frame in media time, so that rounding never makes a negative time

/** One video on the case's clock: media time + base = case time, whatever clock the camera had. */
export class Video {
  readonly element: HTMLDivElement;
  private video = h('video', { preload: 'auto', 'aria-hidden': 'true', disablepictureinpicture: true });
  private note = h('div', { class: 'none' }, 'Loading');
  private media: Media | null = null;
  private buffer: SourceBuffer | null = null;
  private base = 0;
  private filling = false;
  private failed = '';
  private mime = '';
  private stuckAt = NaN;  // a moment inside a span that has no picture all the same: the others go on without it

  constructor(private readonly caseId: string, private readonly stream: string,
    private readonly playhead: Playhead) {
    this.video.muted = true;
    this.video.playsInline = true;
    this.element = h('div', { class: 'video panel', 'data-stream': stream }, this.video,
      h('span', { class: 'name' }, words(stream)), this.note);
    playhead.watch(() => this.follow());
    playhead.waitFor(() => this.ready());
    this.watchFrames();
    this.open().catch((error: unknown) => this.fail(error));
  }

  private notShown(mime: string): string {
    return `This browser cannot show ${codecName(mime)} video. It is kept as it was recorded; see it in a player: ` +
      `casebox export ${this.caseId} --format mp4 --stream ${this.stream} --out ${this.stream}.mp4`;
  }

  private fail(error: unknown): void {
    this.failed = error instanceof Error ? error.message : String(error);
    this.note.textContent = this.failed;
    this.note.hidden = false;
  }

  /** Says on the element which case time its picture is of. */
  private watchFrames(): void {
    const shown = (_: number, frame: { mediaTime: number }) => {
      this.video.dataset['shownS'] = (frame.mediaTime + this.base).toFixed(4);
      this.video.requestVideoFrameCallback(shown);
    };
    this.video.requestVideoFrameCallback(shown);
  }

  private async open(): Promise<void> {
    const media = await api.getMedia(this.caseId, this.stream);
    const first = media.spans[0], last = media.spans[media.spans.length - 1];
    if (!first || !last) throw new Error('Nothing was recorded by this camera');
    if (!MediaSource.isTypeSupported(media.mime)) throw new Error(this.notShown(media.mime));
    this.base = first.t0_s - kLead;
    this.mime = media.mime;
    const source = new MediaSource();
    this.video.src = URL.createObjectURL(source);
    await new Promise<void>((resolve) => source.addEventListener('sourceopen', () => resolve(), { once: true }));
    this.buffer = source.addSourceBuffer(media.mime);
    source.duration = last.t1_s - this.base + 1;
    await this.append(await api.getInit(this.caseId, this.stream));
    this.media = media;
    this.follow();
  }

  private async append(bytes: ArrayBuffer): Promise<void> {
    await this.settle((buffer) => buffer.appendBuffer(bytes));
  }

  private settle(act: (buffer: SourceBuffer) => void): Promise<void> {
    const buffer = this.buffer!;
    return new Promise((resolve, reject) => {
      const done = () => { end(); resolve(); };
      const failed = () => { end(); reject(new Error(this.notShown(this.mime))); };
      const end = () => { buffer.removeEventListener('updateend', done); buffer.removeEventListener('error', failed); };
      buffer.addEventListener('updateend', done);
      buffer.addEventListener('error', failed);
      act(buffer);
    });
  }

  /** True when the camera recorded at case time t. */
  private covers(t: number): boolean {
    return (this.media?.spans ?? []).some((span) => t >= span.t0_s - 0.001 && t < span.t1_s + 0.001);
  }

  /** Case time up to which the decoder has everything from t on; null when it has not even t. */
  private bufferedUntil(t: number): number | null {
    const at = t - this.base + 0.001;
    const ranges = this.video.buffered;
    for (let i = 0; i < ranges.length; ++i)
      if (ranges.start(i) <= at && at < ranges.end(i)) return ranges.end(i) + this.base;
    return null;
  }

  private ready(): boolean {
    if (this.failed || !this.media || !this.covers(this.playhead.t) || this.stuck()) return true;
    return this.bufferedUntil(this.playhead.t) !== null && !this.video.seeking && this.video.readyState >= 2;
  }

  private stuck(): boolean { return Math.abs(this.playhead.t - this.stuckAt) < 0.25; }

  private follow(): void {
    if (!this.media || this.failed) return;
    const t = this.playhead.t;
    const covered = this.covers(t) && !this.stuck();
    this.note.hidden = covered;
    if (!covered) {
      this.note.textContent = 'No picture was recorded at this time';
      if (!this.video.paused) this.video.pause();
      return;
    }
    void this.fill();
    // A millisecond inside the frame: at its very start rounding could show the one before.
    const target = t - this.base + 0.001;
    const drift = this.video.currentTime - target;
    if (this.playhead.playing) {
      this.video.playbackRate = this.playhead.rate * Math.min(1.1, Math.max(0.9, 1 - drift));
      if (Math.abs(drift) > 0.3 && !this.video.seeking) this.video.currentTime = target;
      if (this.video.paused && this.bufferedUntil(t) !== null) void this.video.play().catch(() => undefined);
    } else {
      if (!this.video.paused) this.video.pause();
      if (Math.abs(drift) > 0.0005) this.video.currentTime = target;
    }
  }

  /** Fetches until kAhead seconds from the playhead are there. */
  private async fill(): Promise<void> {
    if (this.filling) return;
    this.filling = true;
    try {
      for (;;) {
        const t = this.playhead.t;
        if (!this.covers(t)) break;
        const until = this.bufferedUntil(t);
        const last = this.media!.spans[this.media!.spans.length - 1]!;
        if (until !== null && (until > t + kAhead || until >= last.t1_s - 0.05)) break;
        const from = until === null ? t : until + 0.001;
        if (until !== null && !this.covers(from)) break;
        const run = await api.getRun(this.caseId, this.stream, from, from + kAhead);
        await this.trim(t);
        this.buffer!.timestampOffset = run.offset - this.base;
        await this.append(run.bytes);
        if (until !== null && this.bufferedUntil(t) === until) break;  // no progress: a hole ahead
        if (until === null && this.bufferedUntil(this.playhead.t) === null && this.playhead.t === t)
          this.stuckAt = t;
        if (this.stuck()) break;
      }
      this.show();
    } catch (error) {
      this.fail(error);
    } finally {
      this.filling = false;
    }
  }

  /** Puts the picture of the playhead's moment on the screen once it is there. */
  private show(): void {
    if (this.playhead.playing) return;
    const target = this.playhead.t - this.base + 0.001;
    if (Math.abs(this.video.currentTime - target) > 0.0005) this.video.currentTime = target;
  }

  private async trim(t: number): Promise<void> {
    const ranges = this.video.buffered;
    const keepFrom = t - this.base - kBehind;
    const keepTo = t - this.base + 4 * kAhead;
    if (ranges.length > 0 && ranges.start(0) < keepFrom - kBehind)
      await this.settle((buffer) => buffer.remove(0, keepFrom));
    if (ranges.length > 0 && ranges.end(ranges.length - 1) > keepTo + kBehind)
      await this.settle((buffer) => buffer.remove(keepTo, Infinity));
  }
}
