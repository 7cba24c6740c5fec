import { h, s } from './dom';
import { plusMinus, sides, time, words } from './format';
import { deviationWord, isDeparture, kCertainty, mark } from './marks';
import type { Playhead, Viewport } from './state';
import type { Case, CaseEvent, Finding } from './types';

export const kLeft = 112;
const kLane = 22;
export const kRight = 8;
const kAxis = 20;

interface Bar { t0: number; t1: number; label: string; title: string; style: string; bound?: [number, number] | null }
interface Lane { name: string; bars: Bar[]; findings?: Finding[] }

/** What may be placed in time. */
type Placed = CaseEvent & { t_s: number };
const isPlaced = (event: CaseEvent): event is Placed => event.t_s !== null;

function eventTitle(event: Placed): string {
  const parts = [event.label ? `${event.code}: ${event.label}` : event.code, event.value, event.unit, event.role];
  return `${time(event.t_s, 1)} ${parts.filter(Boolean).join(' ')} (${plusMinus(event.u95_s)})`;
}

/** Pairs what begins with what ends, e.g. an instrument in use, an open door, an alarm. */
function spans(events: Placed[], begins: (e: CaseEvent) => boolean, style: string, end: number): Bar[] {
  const open = new Map<string, Placed>();
  const bars: Bar[] = [];
  const close = (e: Placed, t1: number) =>
    bars.push({ t0: e.t_s, t1, label: '', title: `${eventTitle(e)}, until ${time(t1, 1)}`, style });
  for (const event of events) {
    const before = open.get(event.code);
    if (begins(event)) { if (!before) open.set(event.code, event); continue; }
    if (before) { close(before, event.t_s); open.delete(event.code); }
  }
  for (const event of open.values()) close(event, end);
  return bars.sort((a, b) => a.t0 - b.t0);
}

function lanesOf(data: Case): Lane[] {
  const end = data.end_s;
  const of = (kind: string) => data.events.filter(isPlaced).filter((event) => event.kind === kind);
  const moment = (event: Placed, style: string): Bar =>
    ({ t0: event.t_s, t1: event.t_s + (event.duration_s ?? 0), label: words(event.label || event.code), title: eventTitle(event), style });
  const phases = data.phases.flatMap((phase) => phase.level !== 'phase' || phase.start_s === null || phase.end_s === null ? [] : [{
    t0: phase.start_s, t1: phase.end_s, label: words(phase.phase), bound: phase.start_low_s === null || phase.start_high_s === null ? null : [phase.start_low_s, phase.start_high_s],
    style: data.phase_source === 'found' ? 'phase-found' : 'phase-annotated',
    title: `${words(phase.phase)} (${data.phase_source}), ${time(phase.start_s, 1)} to ${time(phase.end_s, 1)}, ${sides(phase.start_s, phase.start_low_s, phase.start_high_s)}${phase.open ? ', never ended' : ''}`,
  }]);
  const lanes: Lane[] = [
    { name: `Phases ${data.phase_source}`, bars: phases },
    { name: 'Departures', bars: [], findings: data.findings.filter(isDeparture) },
    { name: 'Team', bars: [...of('team').filter((e) => !e.code.startsWith('phase.')), ...of('checklist'), ...of('mark')]
      .sort((a, b) => a.t_s - b.t_s).map((e) => moment(e, 'tick')) },
    { name: 'Alarms', bars: spans(of('alarm'), (e) => (e.value ?? '').startsWith('begins'), 'alarm', end) },
    { name: 'Instruments', bars: spans(of('device').filter((e) => e.code.startsWith('instrument.')), (e) => e.value === 'on', 'bar', end) },
    { name: 'Door', bars: spans(of('room'), (e) => e.value === 'on', 'bar', end) },
    { name: 'Twin shown', bars: of('twin-shown').map((e) => moment(e, 'bar')) },
    { name: 'Gaps', bars: data.gaps.map((gap) => ({
      t0: gap.t0_s, t1: gap.t1_s, label: gap.stream, style: 'gap',
      title: `${gap.stream}: ${gap.count_unknown ? 'an unknown number of' : gap.missing} items missing, ${gap.reason} (${gap.origin})`,
    })).sort((a, b) => a.t0 - b.t0) },
  ];
  return lanes.filter((lane) => lane.bars.length > 0 || (lane.findings?.length ?? 0) > 0 || (data.readable && lane.name === 'Departures'));
}

export function legend(): HTMLElement {
  return h('div', { class: 'legend', 'aria-label': 'How sure a departure is' },
    ...Object.entries(kCertainty).map(([certainty, look]) => h('span', { title: look.meaning },
      s('svg', { class: `dep ${certainty}`, viewBox: '-8 -8 16 16', 'aria-hidden': 'true' }, mark(certainty)),
      ` ${look.word}`)));
}

const kSteps = [0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200];
export function tickStep(span: number, room: number): number {
  return kSteps.find((step) => span / step <= room) ?? 14400;
}

/** One time line with every lane. The wheel zooms, dragging moves, a click seeks, a departure opens. */
export class Timeline {
  readonly element = h('div', { class: 'timeline panel' });
  private lanes: Lane[];
  private svg = s('svg', { role: 'group', 'aria-label': 'Time line of the case' });
  private cursor = s('line', { class: 'playhead' });
  private selected = '';
  private drawing = false;

  constructor(data: Case, private readonly playhead: Playhead, private readonly view: Viewport,
    private readonly open: (finding: Finding) => void) {
    this.lanes = lanesOf(data);
    this.element.append(this.svg, legend());
    view.watch(() => this.redraw());
    playhead.watch(() => this.moveCursor());
    new ResizeObserver(() => this.redraw()).observe(this.element);
    this.listen();
  }

  select(id: string): void { this.selected = id; this.redraw(); }

  private get width(): number { return Math.max(200, this.element.clientWidth); }
  private x(t: number): number {
    return kLeft + ((t - this.view.from) / (this.view.to - this.view.from)) * (this.width - kLeft - kRight);
  }
  private timeAt(clientX: number): number {
    const x = clientX - this.svg.getBoundingClientRect().left;
    return this.view.from + ((x - kLeft) / (this.width - kLeft - kRight)) * (this.view.to - this.view.from);
  }

  private listen(): void {
    let from: { x: number; view: number; moved: boolean } | null = null;
    this.svg.addEventListener('wheel', (event) => {
      event.preventDefault();
      if (event.shiftKey) this.view.pan((this.view.to - this.view.from) * Math.sign(event.deltaY + event.deltaX) * 0.1);
      else this.view.zoom(event.deltaY > 0 ? 1.25 : 0.8, this.timeAt(event.clientX));
    }, { passive: false });
    this.svg.addEventListener('pointerdown', (event) => {
      if ((event.target as Element).closest('.dep')) return;
      from = { x: event.clientX, view: this.view.from, moved: false };
      this.svg.setPointerCapture(event.pointerId);
    });
    this.svg.addEventListener('pointermove', (event) => {
      if (!from) return;
      if (Math.abs(event.clientX - from.x) > 4) from.moved = true;
      if (!from.moved) return;
      const span = this.view.to - this.view.from;
      const start = from.view - ((event.clientX - from.x) / (this.width - kLeft)) * span;
      this.view.set(start, start + span);
    });
    this.svg.addEventListener('pointerup', (event) => {
      if (from && !from.moved) this.playhead.seek(this.timeAt(event.clientX));
      from = null;
    });
  }

  private redraw(): void {
    if (this.drawing) return;
    this.drawing = true;
    requestAnimationFrame(() => { this.drawing = false; this.draw(); });
  }

  private draw(): void {
    const focused = document.activeElement?.getAttribute('data-finding');
    const height = this.lanes.length * kLane + kAxis;
    this.svg.setAttribute('viewBox', `0 0 ${this.width} ${height}`);
    this.svg.setAttribute('height', String(height));
    const hatch = s('pattern', { id: 'hatch', width: 5, height: 5, patternUnits: 'userSpaceOnUse', patternTransform: 'rotate(45)' },
      s('line', { x1: 0, y1: 0, x2: 0, y2: 5, stroke: 'var(--gap)', 'stroke-width': 2 }));
    const clip = s('clipPath', { id: 'lanes' }, s('rect', { x: kLeft, y: 0, width: this.width - kLeft, height }));
    const inside = s('g', { 'clip-path': 'url(#lanes)' });
    const names = s('g', {});
    this.drawAxis(inside, height);
    names.append(s('text', { class: 'lane', x: 8, y: height - 5 }, 'Time (min:s)'));
    this.lanes.forEach((lane, i) => {
      const y = i * kLane;
      names.append(s('text', { class: 'lane', x: 8, y: y + 15 }, lane.name));
      inside.append(s('line', { class: 'axis', x1: kLeft, x2: this.width, y1: y + kLane - 0.5, y2: y + kLane - 0.5 }));
      this.drawBars(inside, lane, y);
      this.drawFindings(inside, lane, y);
    });
    inside.append(this.cursor);
    this.svg.replaceChildren(s('defs', {}, hatch, clip), names, inside);
    this.moveCursor();
    if (focused) this.svg.querySelector<SVGGElement>(`[data-finding="${focused}"]`)?.focus();
  }

  private drawAxis(inside: SVGGElement, height: number): void {
    const step = tickStep(this.view.to - this.view.from, (this.width - kLeft) / 70);
    for (let t = Math.ceil(this.view.from / step) * step; t <= this.view.to; t += step) {
      inside.append(s('line', { class: 'axis', x1: this.x(t), x2: this.x(t), y1: 0, y2: height - kAxis + 4 }),
        ...(this.x(t) < this.width - 36 ? [s('text', { class: 'lane', x: this.x(t) + 2, y: height - 5 }, time(t, step < 1 ? 1 : 0))] : []));
    }
  }

  private drawBars(inside: SVGGElement, lane: Lane, y: number): void {
    let drawnTo = -Infinity;
    for (const bar of lane.bars) {
      if (bar.t1 < this.view.from || bar.t0 > this.view.to) continue;
      const x0 = Math.max(kLeft - 2, this.x(bar.t0));
      const x1 = Math.min(this.width + 2, Math.max(this.x(bar.t1), x0 + 2.5));
      if (x1 <= drawnTo + 0.5 && !bar.style.startsWith('phase')) continue;  // hidden behind the one before
      const rect = s('rect', { class: bar.style, x: x0, y: y + 3, width: x1 - x0, height: kLane - 7, rx: 2 },
        s('title', {}, bar.title));
      inside.append(rect);
      if (bar.bound) inside.append(this.drawBound(bar.bound, y));
      const room = bar.style === 'tick' ? 90 : x1 - x0;
      const label = bar.label.length * 6.2 < room ? bar.label : room > 34 && bar.style.startsWith('phase')
        ? `${bar.label.slice(0, Math.floor(room / 6.4) - 1)}\u2026` : '';
      if (label && (bar.style.startsWith('phase') || x0 > drawnTo + 4)) {
        inside.append(s('text', { x: bar.style === 'tick' ? x1 + 3 : x0 + 4, y: y + 14.5, 'pointer-events': 'none' }, label));
        if (bar.style === 'tick') { drawnTo = x1 + 3 + label.length * 6.2; continue; }
      }
      drawnTo = Math.max(drawnTo, x1);
    }
  }

  /** The 95 % bound of a beginning, as whiskers under the bar. */
  private drawBound(bound: [number, number], y: number): SVGElement {
    const [x0, x1] = [this.x(bound[0]), this.x(bound[1])], middle = y + kLane - 3;
    return s('path', { class: 'bound', d: `M${x0} ${middle - 3}v6M${x0} ${middle}H${x1}M${x1} ${middle - 3}v6` });
  }

  private drawFindings(inside: SVGGElement, lane: Lane, y: number): void {
    for (const finding of lane.findings ?? []) {
      if (finding.t0_s === null || finding.t0_s < this.view.from || finding.t0_s > this.view.to) continue;
      const look = kCertainty[finding.certainty];
      const label = `${deviationWord(finding.deviation)}: ${words(finding.step)}, ${look?.word ?? finding.certainty}, at ${time(finding.t0_s)}`;
      const x = Math.min(this.width - 8, Math.max(kLeft + 8, this.x(finding.t0_s)));
      const group = s('g', {
        class: `dep ${finding.certainty}`, transform: `translate(${x} ${y + 11})`, tabindex: 0, role: 'button',
        'aria-label': label, 'data-finding': finding.id, 'aria-current': finding.id === this.selected ? 'true' : 'false',
        click: () => this.open(finding),
        keydown: (event: KeyboardEvent) => {
          if (event.key !== 'Enter' && event.key !== ' ') return;
          event.preventDefault();
          event.stopPropagation();
          this.open(finding);
        },
      }, s('title', {}, label), s('rect', { x: -10, y: -11, width: 20, height: 22, fill: 'transparent' }), mark(finding.certainty));
      inside.append(group);
    }
  }

  private moveCursor(): void {
    const x = this.x(this.playhead.t);
    this.cursor.setAttribute('x1', String(x));
    this.cursor.setAttribute('x2', String(x));
    this.cursor.setAttribute('y1', '0');
    this.cursor.setAttribute('y2', String(this.lanes.length * kLane + 6));
    this.cursor.style.display = x < kLeft || x > this.width ? 'none' : '';
  }
}
