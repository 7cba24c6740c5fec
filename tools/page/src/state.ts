/** Something others watch. */
class Watched {
  private listeners: (() => void)[] = [];
  watch(listener: () => void): void { this.listeners.push(listener); }
  protected changed(): void { for (const listener of this.listeners) listener(); }
}

/** The one moment that videos, plots and the time line show. While playing it waits for whoever is not ready. */
export class Playhead extends Watched {
  playing = false;
  rate = 1;
  private time: number;
  private last = 0;
  private stopped = false;
  private waiting: (() => boolean)[] = [];

  constructor(readonly from: number, readonly to: number) { super(); this.time = Math.max(0, from); }

  get t(): number { return this.time; }
  /** `isReady` is asked before each step. */
  waitFor(isReady: () => boolean): void { this.waiting.push(isReady); }

  seek(t: number): void {
    this.time = Math.min(this.to, Math.max(this.from, t));
    this.changed();
  }
  setRate(rate: number): void { this.rate = rate; this.changed(); }
  toggle(): void {
    if (!this.playing && this.time >= this.to) this.time = this.from;
    this.playing = !this.playing;
    this.changed();
    if (this.playing) { this.last = performance.now(); requestAnimationFrame((now) => this.step(now)); }
  }
  stop(): void { this.stopped = true; this.playing = false; this.changed(); }

  private step(now: number): void {
    if (!this.playing || this.stopped) return;
    const passed = Math.min(0.25, Math.max(0, (now - this.last) / 1000));
    this.last = now;
    if (this.waiting.every((ready) => ready())) this.time = Math.min(this.to, this.time + passed * this.rate);
    if (this.time >= this.to) this.playing = false;
    this.changed();
    requestAnimationFrame((next) => this.step(next));
  }
}

/** The span of case time that the time line and the plots show. */
export class Viewport extends Watched {
  from: number;
  to: number;
  constructor(readonly first: number, readonly last: number) { super(); this.from = first; this.to = last; }

  set(from: number, to: number): void {
    const whole = this.last - this.first;
    const width = Math.min(whole, Math.max(0.2, to - from));
    this.from = Math.min(this.last - width, Math.max(this.first, from));
    this.to = this.from + width;
    this.changed();
  }
  /** factor < 1 looks closer; `about` stays where it is. */
  zoom(factor: number, about: number): void {
    this.set(about - (about - this.from) * factor, about + (this.to - about) * factor);
  }
  pan(seconds: number): void { this.set(this.from + seconds, this.to + seconds); }
  fit(): void { this.set(this.first, this.last); }
  /** Moves so that `t` is inside. */
  reveal(t: number): void {
    if (t >= this.from && t <= this.to) return;
    const width = this.to - this.from;
    this.set(t - width * 0.2, t + width * 0.8);
  }
}
