import * as api from './api';
import { announce, h, s } from './dom';
import { bytes, plusMinus, sides, time, words } from './format';
import { deviationWord, isDeparture, kCertainty, mark } from './marks';
import type { Case, CaseEvent, Evidence, Finding, Source } from './types';

const certaintyWord = (finding: Finding) => kCertainty[finding.certainty]?.word ?? finding.certainty;

function sourceBox(source: Source): HTMLElement {
  const frames = `numbers ${source.first_number} to ${source.last_number}`;
  return h('div', { class: 'source' },
    h('b', {}, source.stream || `stream ${source.stream_id}`), `  ${time(source.t0_s, 1)} to ${time(source.t1_s, 1)}`,
    h('dl', {},
      h('dt', {}, 'Items'), h('dd', {}, frames),
      h('dt', {}, 'Epoch'), h('dd', { class: 'mono' }, source.epoch),
      h('dt', {}, 'Read from'), h('dd', { class: 'mono' }, source.read_from ? `${source.read_from} ${source.first_offset}\u2013${source.last_offset}` : 'not stated'),
      h('dt', {}, 'SHA-256'), h('dd', { class: 'mono' }, source.sha256),
      h('dt', {}, 'Stored now'), h('dd', { class: source.identical ? 'same' : 'differs' },
        source.identical ? '\u2713 the same bytes' : `\u2717 ${source.problem ?? 'other bytes'}`)));
}

const kHidden = new Set(['deviation', 'step', 'phase', 'certainty', 'alternative']);

function when({ t0_s, t1_s }: Finding, seek: (t: number) => void): Node {
  if (t0_s === null || t1_s === null) return h('dd', {}, 'withheld');
  return h('dd', {}, `${time(t0_s, 1)} to ${time(t1_s, 1)} `, h('button', { click: () => seek(t0_s) }, 'Show'));
}

function evidenceBody(evidence: Evidence, seek: (t: number) => void): Node[] {
  const { finding, run } = evidence;
  const certainty = kCertainty[finding.certainty];
  const values = Object.entries(finding.values);
  const labels = Object.entries(finding.labels).filter(([name]) => !kHidden.has(name));
  const alternative = finding.labels['alternative'];
  return [
    h('h2', {}, s('svg', { class: `dep ${finding.certainty}`, viewBox: '-8 -8 16 16', width: 16, height: 16, 'aria-hidden': 'true' }, mark(finding.certainty)),
      ` ${isDeparture(finding) ? deviationWord(finding.deviation) : words(finding.kind)}: ${words(finding.step || finding.labels['phase'] || '')}`),
    h('p', {}, finding.text || 'No sentence was written for this finding.'),
    h('dl', {},
      h('dt', {}, 'When'), when(finding, seek),
      h('dt', {}, 'How sure'), h('dd', {}, h('b', {}, certaintyWord(finding)), certainty ? `. ${certainty.meaning}` : ''),
      ...(finding.values['margin'] !== undefined ? [h('dt', {}, 'Margin'), h('dd', {}, String(finding.values['margin']))] : [])),
    h('h3', {}, 'What else would explain it'),
    h('p', {}, alternative ?? (finding.certainty === 'certain'
      ? 'No best explanation without this departure was found. A sensor that was wrong, or a pathway that the protocol does not list, would explain it otherwise.'
      : finding.certainty === 'unobserved' ? 'The step may well have been done: nothing that could have seen it was recording.'
        : finding.certainty === 'justified' ? 'The recorded reason explains it.'
          : 'At least one equally good explanation does without this departure.')),
    ...(values.length + labels.length > 0 ? [h('h3', {}, 'Numbers'), h('dl', {},
      ...[...values.map(([name, value]) => [name, String(+value.toPrecision(6))]), ...labels]
        .flatMap(([name, value]) => [h('dt', {}, words(name ?? '')), h('dd', {}, value)]))] : []),
    h('h3', {}, 'Source frames'),
    ...(evidence.sources.length > 0 ? evidence.sources.map(sourceBox) : [h('p', {}, 'No source frames are named.')]),
    h('h3', {}, 'Video'),
    h('ul', {}, ...(evidence.video.length > 0 ? evidence.video.map((item) => h('li', {}, item.recorded
      ? h('button', { click: () => seek(item.t0_s) }, `${words(item.stream)} at ${time(item.t0_s, 1)}`)
      : `${words(item.stream)}: not recorded at this time`)) : [h('li', {}, finding.t0_s === null ? 'When it was is withheld.' : 'No video in this case.')])),
    h('h3', {}, 'Made by'),
    h('dl', {},
      h('dt', {}, 'Job'), h('dd', {}, `${run.job} ${run.job_version}`),
      h('dt', {}, 'Program'), h('dd', { class: 'mono' }, `${run.binary} ${run.binary_sha256}`),
      h('dt', {}, 'Protocol'), h('dd', { class: 'mono' }, `${run.protocol || 'none'} ${run.protocol_sha256}`),
      h('dt', {}, 'Settings'), h('dd', { class: 'mono' }, run.config_sha256 || 'defaults'),
      h('dt', {}, 'Seed'), h('dd', {}, run.seed), h('dt', {}, 'Order by'), h('dd', {}, run.order_basis || 'not stated'),
      h('dt', {}, 'Finding'), h('dd', { class: 'mono' }, `${finding.tag} `, h('span', { class: 'soft' }, finding.id)),
      h('dt', {}, 'Check it'), h('dd', { class: 'mono' }, `casebox why ${finding.id.slice(0, 16)}`)),
  ];
}

function eventText(event: CaseEvent): string {
  return [words(event.code), event.label, event.value, event.unit, event.role].filter(Boolean).join(' \u00b7 ');
}

function accounting(data: Case): Node[] {
  const head = (...names: string[]) => h('thead', {}, h('tr', {}, ...names.map((name, i) => h('th', { scope: 'col', class: i > 0 ? 'num' : '' }, name))));
  return [
    h('h2', {}, 'What was recorded'),
    h('dl', {}, h('dt', {}, 'State'), h('dd', {}, data.state), h('dt', {}, 'Began'), h('dd', {}, data.start === null ? 'no date is known' : `${data.start} ${plusMinus(data.start_u95_s)}`),
      h('dt', {}, 'Frames'), h('dd', {}, `${data.frames}, ${data.quarantined} in quarantine`),
      h('dt', {}, 'Consent'), h('dd', {}, data.consent.stated ? data.consent.granted.map(words).join(', ') || 'nothing granted' : 'not stated in the record')),
    h('h3', {}, 'Streams'),
    h('table', { class: 'small' }, head('Stream', 'Items', 'Missing', 'Gaps', 'Stored'), h('tbody', {},
      ...data.streams.map((stream) => h('tr', {}, h('td', {}, stream.name, stream.absent_by_policy ? ` (not recorded: ${stream.absent_by_policy})` : ''),
        h('td', { class: 'num' }, stream.items), h('td', { class: 'num' }, stream.missing + (stream.unknown_gaps > 0 ? ' + ?' : '')),
        h('td', { class: 'num' }, String(stream.gap_frames)), h('td', { class: 'num' }, bytes(Number(stream.bytes_stored))))))),
    h('h3', {}, 'Gaps'),
    data.gaps.length === 0 ? h('p', {}, 'None declared.') : h('table', { class: 'small' }, head('Stream', 'From', 'To', 'Reason'), h('tbody', {},
      ...data.gaps.map((gap) => h('tr', {}, h('td', {}, gap.stream), h('td', { class: 'num' }, time(gap.t0_s, 1)),
        h('td', { class: 'num' }, time(gap.t1_s, 1)), h('td', { class: 'num' }, `${gap.reason} (${gap.origin})`))))),
    h('h3', {}, 'Device clocks'),
    data.clocks.length === 0 ? h('p', {}, 'None estimated.') : h('table', { class: 'small' }, head('Clock', 'Offset', 'Rate', 'Largest bound', 'Times set'), h('tbody', {},
      ...data.clocks.map((clock) => h('tr', {}, h('td', {}, String(clock.clock_id)), h('td', { class: 'num' }, `${clock.offset_s.toFixed(3)} s`),
        h('td', { class: 'num' }, clock.rate_ppm === null ? 'not estimated' : `${clock.rate_ppm.toFixed(1)} ppm`),
        h('td', { class: 'num' }, clock.broken ? 'broken: no timing claim' : plusMinus(clock.u95_s)), h('td', { class: 'num' }, String(clock.sets)))))),
  ];
}

/** The right-hand column: findings and their evidence, events, accounting. */
export class Panels {
  readonly element: HTMLElement;
  private body = h('div', { class: 'tab', role: 'tabpanel', tabindex: 0, id: 'tabpanel' });
  private buttons = new Map<string, HTMLButtonElement>();

  constructor(private readonly data: Case, private readonly seek: (t: number) => void, private readonly selected: (id: string) => void) {
    const tabs = h('div', { class: 'tabs', role: 'tablist', keydown: (event: KeyboardEvent) => {
      if (event.key !== 'ArrowRight' && event.key !== 'ArrowLeft') return;
      event.stopPropagation();
      const all = [...this.buttons.values()];
      const at = all.findIndex((button) => button === document.activeElement);
      const next = all[(at + (event.key === 'ArrowRight' ? 1 : all.length - 1)) % all.length];
      next?.focus();
      next?.click();
    } });
    for (const name of ['Departures', 'Phases', 'Events', 'Accounting']) {
      const button = h('button', { role: 'tab', 'aria-controls': 'tabpanel', click: () => this.show(name) }, name);
      this.buttons.set(name, button);
      tabs.append(button);
    }
    this.element = h('aside', { class: 'side panel', 'aria-label': 'Findings, events and accounting' }, tabs, this.body);
    this.show(data.readable ? 'Departures' : 'Accounting');
  }

  private show(name: string): void {
    for (const [key, button] of this.buttons) {
      button.setAttribute('aria-selected', String(key === name));
      button.tabIndex = key === name ? 0 : -1;
    }
    if (name !== 'Accounting' && !this.data.readable) this.body.replaceChildren(h('h2', {}, name), h('p', {}, `Not known: ${this.data.unreadable_reason ?? 'no key here opens this case'}. That does not mean that there are none.`));
    else if (name === 'Accounting') this.body.replaceChildren(...accounting(this.data));
    else if (name === 'Phases') this.body.replaceChildren(...this.phases());
    else if (name === 'Events') this.body.replaceChildren(...this.events());
    else this.body.replaceChildren(...this.findings());
  }

  private findings(): Node[] {
    const departures = this.data.findings.filter(isDeparture);
    const others = this.data.findings.filter((finding) => !isDeparture(finding) && finding.kind !== 'phase' && finding.kind !== 'run');
    const list = (items: Finding[]) => h('ul', { class: 'rows' }, ...items.map((finding) => h('li', {},
      h('button', { click: () => void this.open(finding) }, h('span', { class: 'num' }, finding.t0_s === null ? 'withheld' : time(finding.t0_s)),
        h('span', {}, s('svg', { class: `dep ${finding.certainty}`, viewBox: '-8 -8 16 16', width: 13, height: 13, 'aria-hidden': 'true' }, mark(finding.certainty)),
          ` ${isDeparture(finding) ? `${deviationWord(finding.deviation)}: ${words(finding.step)}` : finding.text || words(finding.kind)}`,
          h('span', { class: 'soft' }, ` (${certaintyWord(finding)})`))))));
    return [h('h2', {}, `Departures from the protocol (${departures.length})`),
      departures.length > 0 ? list(departures) : h('p', {}, 'None found, or the case has not been analysed yet.'),
      ...(others.length > 0 ? [h('h3', {}, 'Other findings'), list(others)] : [])];
  }

  private phases(): Node[] {
    const rows = this.data.phases.map((phase) => h('tr', {},
      h('td', {}, phase.start_s === null ? words(phase.phase) : h('button', { click: () => this.seek(phase.start_s ?? 0) }, words(phase.phase)),
        h('div', { class: 'soft' }, `${phase.level === 'phase' ? '' : `${phase.level}, `}${this.data.phase_source}${phase.by ? ` by ${phase.by}` : ''}`)),
      h('td', { class: 'num' }, phase.start_s === null ? 'withheld' : time(phase.start_s, 1), h('div', { class: 'soft' }, sides(phase.start_s, phase.start_low_s, phase.start_high_s))),
      h('td', { class: 'num' }, phase.open ? 'not ended' : phase.end_s === null ? 'withheld' : time(phase.end_s, 1), h('div', { class: 'soft' }, sides(phase.end_s, phase.end_low_s, phase.end_high_s)))));
    const head = h('tr', {}, h('th', { scope: 'col' }, 'Phase'), h('th', { scope: 'col', class: 'num' }, 'Begins'), h('th', { scope: 'col', class: 'num' }, 'Ends'));
    return [h('h2', {}, 'Phases'), rows.length === 0 ? h('p', {}, 'No phases are known: none were annotated, and the case has not been analysed yet.')
      : h('table', { class: 'small' }, h('thead', {}, head), h('tbody', {}, ...rows)),
      ...(this.data.timing_withheld.length === 0 ? [] : [h('p', {}, `How long the phases took is withheld: ${this.data.timing_withheld.join('; ')}.`)])];
  }

  private events(): Node[] {
    const kinds = [...new Set(this.data.events.map((event) => event.kind))].sort();
    const list = h('ul', { class: 'rows' });
    const fill = () => {
      const items = this.data.events.filter((event) => !select.value || event.kind === select.value);
      list.replaceChildren(...items.slice(0, 500).map((event) => h('li', {}, event.t_s === null
        ? h('span', {}, h('span', { class: 'num' }, 'time withheld '), eventText(event))
        : h('button', { click: () => this.seek(event.t_s ?? 0) }, h('span', { class: 'num' }, time(event.t_s, 1)), eventText(event)))),
      ...(items.length > 500 ? [h('li', { class: 'soft' }, `and ${items.length - 500} more; choose a kind`)] : []));
    };
    const select = h('select', { 'aria-label': 'Kind of event', change: fill }, h('option', { value: '' }, 'all kinds'),
      ...kinds.map((kind) => h('option', { value: kind }, words(kind))));
    if (kinds.includes('team')) select.value = 'team';
    fill();
    return [h('h2', {}, 'Events'), select, list];
  }

  async open(finding: Finding): Promise<void> {
    this.show('Departures');
    this.selected(finding.id);
    const back = h('button', { click: () => { this.selected(''); this.show('Departures'); } }, '\u2190 All departures');
    this.body.replaceChildren(back, h('p', {}, 'Reading the evidence\u2026'));
    try {
      const evidence = await api.getEvidence(this.data.case_id, finding.id);
      this.body.replaceChildren(back, h('div', { class: 'evidence', 'data-evidence': finding.id }, ...evidenceBody(evidence, this.seek)));
      announce(`Evidence of ${deviationWord(finding.deviation)} ${words(finding.step)} is open`);
    } catch (error) {
      this.body.replaceChildren(back, h('p', { class: 'differs' }, error instanceof Error ? error.message : String(error)));
    }
    this.body.focus();
  }
}
