import uPlot from 'uplot';
import 'uplot/dist/uPlot.min.css';

import * as api from './api';
import { css, h } from './dom';
import { time, unit } from './format';
import type { Playhead, Viewport } from './state';
import { kLeft, kRight, tickStep } from './timeline';
import type { Case, Samples, Series, Twin } from './types';

const kHeight = 116;
const kPadding = 6;  // of a plot's panel: the plots' time axes stand under the time line's
type Column = (number | null | undefined)[];

/** What one plot shows: a channel's samples, or a twin's forecasts against what was observed. */
export interface Subject { id: string; title: string; stream?: string; channel?: string; variable?: string }

export function subjectsOf(data: Case): Subject[] {
  const subjects: Subject[] = [];
  for (const stream of data.streams) {
    if (!['wave', 'numeric', 'twin-series'].includes(stream.kind)) continue;
    for (const channel of stream.channels)
      subjects.push({ id: `${stream.name}/${channel.name}`, title: `${channel.name}  \u00b7  ${stream.name}`, stream: stream.key, channel: channel.key });
  }
  for (const { variable } of data.forecasts)
    subjects.push({ id: `twin:${variable}`, title: `Twin forecast against observed ${variable.split('/').pop()}`, variable });
  return subjects;
}

/** A first choice a surgeon would make: one trace of each kind, then the twin. */
export function firstSubjects(subjects: Subject[]): Subject[] {
  const wanted = ['monitor.ecg/ECG_II', 'monitor.numerics/HR', 'monitor.numerics/ART_M', 'twin:monitor.numerics/ART_M',
    'anaesthesia.waves/PAW', 'insufflator.state/P_ACTUAL'];
  const found = wanted.map((id) => subjects.find((subject) => subject.id === id)).filter((x): x is Subject => x !== undefined);
  return found.length > 0 ? found : subjects.slice(0, 4);
}

/** Observed as lines, forecasts as points with a 95 % band, late ones apart: columns over one time axis. */
export function twinColumns(twin: Twin): uPlot.AlignedData {
  const observed: Series = twin.observed ?? { raw: true, samples: 0, t_s: [], min: [] };
  const timely = new Map<number, (typeof twin.forecasts)[number]>();
  for (const f of twin.forecasts) {
    if (f.late) continue;
    const other = timely.get(f.valid_s);
    if (!other || f.issued_s > other.issued_s) timely.set(f.valid_s, f);
  }
  const good = [...timely.values()].sort((a, b) => a.valid_s - b.valid_s);
  const late = twin.forecasts.filter((f) => f.late).sort((a, b) => a.valid_s - b.valid_s)
    .filter((f, i, all) => i === 0 || f.valid_s > all[i - 1]!.valid_s);
  return uPlot.join([
    [observed.t_s, (observed.max ?? observed.min) as number[], observed.min as number[]],
    [good.map((f) => f.valid_s), good.map((f) => f.value), good.map((f) => f.value + 1.96 * f.sd), good.map((f) => f.value - 1.96 * f.sd)],
    [late.map((f) => f.valid_s), late.map(() => 1)],  // only when, never what: drawn apart
  ].map((table) => table as uPlot.AlignedData));
}

class Plot {
  readonly element: HTMLElement;
  private host: HTMLElement;
  private plot: uPlot | null = null;
  private abort: AbortController | null = null;
  private timer = 0;
  private status = h('span', { class: 'soft' });
  private unitText = h('span', { class: 'unit' });

  constructor(private readonly caseId: string, private readonly subject: Subject, private readonly playhead: Playhead,
    private readonly view: Viewport, close: () => void) {
    this.host = h('div', { role: 'img', 'aria-label': `Plot of ${subject.title} over case time` });
    this.element = h('section', { class: 'plot panel', 'data-plot': subject.id, 'aria-label': subject.title },
      h('h3', {}, subject.title, this.unitText, this.status, h('span', { class: 'spacer' }),
        h('button', { 'aria-label': `Remove the plot ${subject.title}`, click: close }, 'Remove')), this.host);
  }

  refresh(now = false): void {
    this.plot?.setScale('x', { min: this.view.from, max: this.view.to });
    clearTimeout(this.timer);
    this.timer = window.setTimeout(() => void this.load(), now ? 0 : 120);
  }
  redraw(): void { this.plot?.redraw(false); }
  resize(): void { this.plot?.setSize({ width: this.width, height: kHeight }); }
  restyle(): void { this.plot?.destroy(); this.plot = null; this.refresh(true); }
  destroy(): void { clearTimeout(this.timer); this.abort?.abort(); this.plot?.destroy(); this.element.remove(); }

  private get width(): number { return Math.max(200, this.element.clientWidth - 2 * kPadding); }

  private async load(): Promise<void> {
    this.abort?.abort();
    const abort = this.abort = new AbortController();
    const { from, to } = this.view;
    const buckets = Math.round(this.width);
    try {
      if (this.subject.variable !== undefined) {
        const twin = await api.getTwin(this.caseId, this.subject.variable, from, to, buckets, abort.signal);
        const late = twin.forecasts.filter((f) => f.late).length;
        this.status.textContent = late > 0 ? `${late} issued too late: crosses in the strip above, not counted` : '';
        this.show(twinColumns(twin), twin.unit);
      } else {
        const samples: Samples = await api.getSamples(this.caseId, this.subject.stream!, this.subject.channel!, from, to, buckets, abort.signal);
        this.status.textContent = samples.samples === 0 ? 'nothing recorded here' : samples.raw ? '' : 'least and greatest per pixel';
        const low: Column = samples.min;
        this.show([samples.t_s, (samples.max ?? low) as number[], low as number[]], samples.unit);
      }
    } catch (error) {
      if (!abort.signal.aborted) this.status.textContent = error instanceof Error ? error.message : String(error);
    }
  }

  private show(data: uPlot.AlignedData, ucum: string): void {
    if (this.plot) { this.plot.setData(data, false); this.plot.setScale('x', { min: this.view.from, max: this.view.to }); return; }
    const line = css('--wave'), twin = css('--twin'), grid = css('--line'), text = css('--soft');
    const axis = { stroke: text, grid: { stroke: grid, width: 1 }, ticks: { stroke: grid, size: 4 }, gap: 3, font: '11px system-ui' };
    this.unitText.textContent = `${unit(ucum) || 'no unit'} over time (min:s)`;
    const isTwin = this.subject.variable !== undefined;
    const trace: uPlot.Series[] = [
      { stroke: line, width: 1.2, points: { show: false } }, { stroke: line, width: 1.2, points: { show: false } }];
    const forecast: uPlot.Series[] = [
      { stroke: twin, width: 1, dash: [4, 3], points: { show: true, size: 5, fill: twin } },
      { stroke: 'transparent', points: { show: false } }, { stroke: 'transparent', points: { show: false } },
      { scale: 'late', stroke: 'transparent', paths: () => null, points: { show: (plot, index) => { cross(plot, index); return false; } } }];
    this.plot = new uPlot({
      width: this.width, height: kHeight, padding: [isTwin ? 14 : 8, kRight - kPadding, 0, 0],
      scales: { x: { time: false }, late: { range: [0, 2] }, y: { range: (_, low, high) => low === null ? [0, 1] : uPlot.rangeNum(low, high, 0.1, true) } },
      series: [{}, ...trace, ...(isTwin ? forecast : [])],
      bands: [{ series: [1, 2], fill: `${line}66` }, ...(isTwin ? [{ series: [4, 5] as [number, number], fill: `${twin}33` }] : [])],
      axes: [{ ...axis, size: 24, values: (plot, ticks) => ticks.map((t) => plot.valToPos(t, 'x') > plot.width - kLeft - 22 ? '' : time(t, this.view.to - this.view.from < 12 ? 1 : 0)),
        splits: (plot) => splits(plot) },
      { ...axis, size: kLeft - kPadding - 18, space: 20, label: unit(ucum) || 'no unit', labelSize: 18, labelFont: '11px system-ui', labelGap: 0 }],
      cursor: { drag: { x: true, y: false, setScale: false }, sync: { key: 'case' }, points: { show: false }, y: false },
      legend: { show: false },
      hooks: {
        draw: [(plot) => this.drawPlayhead(plot)],
        setSelect: [(plot) => {
          if (plot.select.width > 4)
            this.view.set(plot.posToVal(plot.select.left, 'x'), plot.posToVal(plot.select.left + plot.select.width, 'x'));
          plot.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
        }],
      },
    }, data, this.host);
    this.plot.setScale('x', { min: this.view.from, max: this.view.to });
    const over = this.plot.over;
    let downAt = 0;
    over.addEventListener('mousedown', (event) => { downAt = event.clientX; });
    over.addEventListener('click', (event) => {
      if (Math.abs(event.clientX - downAt) < 4) this.playhead.seek(this.plot!.posToVal(event.offsetX, 'x'));
    });
    over.addEventListener('wheel', (event) => {
      if (!event.ctrlKey && !event.altKey) return;  // a plain wheel scrolls the page over so many plots
      event.preventDefault();
      this.view.zoom(event.deltaY > 0 ? 1.25 : 0.8, this.plot!.posToVal(event.offsetX, 'x'));
    }, { passive: false });
  }

  private drawPlayhead(plot: uPlot): void {
    const x = plot.valToPos(this.playhead.t, 'x', true);
    if (x < plot.bbox.left || x > plot.bbox.left + plot.bbox.width) return;
    plot.ctx.save();
    plot.ctx.strokeStyle = css('--playhead');
    plot.ctx.lineWidth = 1.5 * devicePixelRatio;
    plot.ctx.beginPath();
    plot.ctx.moveTo(x, plot.bbox.top);
    plot.ctx.lineTo(x, plot.bbox.top + plot.bbox.height);
    plot.ctx.stroke();
    plot.ctx.restore();
  }
}

function splits(plot: uPlot): number[] {
  const { min, max } = plot.scales['x']!;
  const from = min ?? 0, to = max ?? 1;
  const step = tickStep(to - from, plot.width / 80);
  const out: number[] = [];
  for (let t = Math.ceil(from / step) * step; t <= to; t += step) out.push(t);
  return out;
}

/** A cross for each late forecast, in a strip of its own above the values: hindsight beside forecasts would look like skill. */
function cross(plot: uPlot, index: number): void {
  const times = plot.data[0], values = plot.data[index] as Column;
  plot.ctx.save();
  plot.ctx.strokeStyle = css('--ambiguous');
  plot.ctx.lineWidth = 1.5 * devicePixelRatio;
  plot.ctx.beginPath();
  for (let i = 0; i < times.length; ++i) {
    const value = values[i];
    if (value === null || value === undefined) continue;
    const x = plot.valToPos(times[i]!, 'x', true), y = plot.bbox.top - 5 * devicePixelRatio, r = 3.5 * devicePixelRatio;
    if (x < plot.bbox.left || x > plot.bbox.left + plot.bbox.width) continue;
    plot.ctx.moveTo(x - r, y - r); plot.ctx.lineTo(x + r, y + r);
    plot.ctx.moveTo(x - r, y + r); plot.ctx.lineTo(x + r, y - r);
  }
  plot.ctx.stroke();
  plot.ctx.restore();
}

/** The plots below the time line, and the choice of more. */
export class Plots {
  readonly element = h('div', { class: 'plots' });
  readonly chooser: HTMLElement;
  private plots = new Map<string, Plot>();

  constructor(private readonly data: Case, private readonly playhead: Playhead, private readonly view: Viewport) {
    const subjects = subjectsOf(data);
    const select = h('select', { 'aria-label': 'Add a plot', change: () => {
      const subject = subjects.find((item) => item.id === select.value);
      if (subject) this.add(subject);
      select.value = '';
    } }, h('option', { value: '' }, 'Add a plot\u2026'), ...subjects.map((item) => h('option', { value: item.id }, item.title)));
    this.chooser = select;
    for (const subject of firstSubjects(subjects)) this.add(subject);
    view.watch(() => { for (const plot of this.plots.values()) plot.refresh(); });
    let drawing = false;
    playhead.watch(() => {
      if (drawing) return;
      drawing = true;
      requestAnimationFrame(() => { drawing = false; for (const plot of this.plots.values()) plot.redraw(); });
    });
    new ResizeObserver(() => { for (const plot of this.plots.values()) plot.resize(); }).observe(this.element);
    matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => {
      for (const plot of this.plots.values()) plot.restyle();
    });
  }

  private add(subject: Subject): void {
    if (this.plots.has(subject.id)) return;
    const plot = new Plot(this.data.case_id, subject, this.playhead, this.view, () => {
      plot.destroy();
      this.plots.delete(subject.id);
    });
    this.plots.set(subject.id, plot);
    this.element.append(plot.element);
    plot.refresh(true);
  }
}
