import * as api from './api';
import { h } from './dom';
import { date, shortId, time, words } from './format';
import { Panels } from './panels';
import { Plots } from './plots';
import { Playhead, Viewport } from './state';
import { Timeline } from './timeline';
import type { Case, Finding } from './types';
import { Video } from './video';

const kKeys = 'Space plays, arrows move 1 s (Shift: 10 s), comma and full stop one frame, + and \u2212 zoom, 0 shows all.';

function transport(playhead: Playhead, view: Viewport, chooser: HTMLElement): HTMLElement {
  const play = h('button', { click: () => playhead.toggle(), title: kKeys }, 'Play');
  const clock = h('span', { class: 'clock', role: 'timer', 'aria-label': 'Case time' });
  const range = h('span', { class: 'soft' });
  const rate = h('select', { 'aria-label': 'Speed', change: () => playhead.setRate(Number(rate.value)) },
    ...['0.5', '1', '2', '4'].map((value) => h('option', { value, selected: value === '1' }, `${value}\u00d7`)));
  const jump = h('input', { 'aria-label': 'Go to time, minutes:seconds', placeholder: 'go to m:ss', size: 9, keydown: (event: KeyboardEvent) => {
    if (event.key !== 'Enter') return;
    const t = jump.value.trim().split(':').reduce((sum, part) => sum * 60 + Number(part), 0);
    if (jump.value.trim() !== '' && Number.isFinite(t)) { playhead.seek(t); view.reveal(playhead.t); }
  } });
  const show = () => {
    play.textContent = playhead.playing ? 'Pause' : 'Play';
    play.setAttribute('aria-pressed', String(playhead.playing));
    clock.textContent = time(playhead.t, 1);
    range.textContent = `showing ${time(view.from)} to ${time(view.to)} (minutes:seconds)`;
  };
  playhead.watch(show);
  view.watch(show);
  show();
  return h('div', { class: 'transport', role: 'toolbar', 'aria-label': 'Playback' }, play, clock, rate, jump,
    h('button', { click: () => view.zoom(0.5, playhead.t), 'aria-label': 'Zoom in' }, '+'),
    h('button', { click: () => view.zoom(2, playhead.t), 'aria-label': 'Zoom out' }, '\u2212'),
    h('button', { click: () => view.fit() }, 'Whole case'), range, h('span', { class: 'spacer' }), chooser);
}

/** Keys of the whole view; a field or a button that has its own use of them keeps it. */
function keys(playhead: Playhead, view: Viewport): (event: KeyboardEvent) => void {
  return (event) => {
    const target = event.target as HTMLElement;
    if (event.ctrlKey || event.metaKey || event.altKey || target.closest('input, select, textarea, [role=tab]')) return;
    if (event.key === ' ' && target.closest('button, a, [role=button]')) return;
    const move = event.shiftKey ? 10 : 1;
    const actions: Record<string, () => void> = {
      ' ': () => playhead.toggle(), ArrowLeft: () => playhead.seek(playhead.t - move), ArrowRight: () => playhead.seek(playhead.t + move),
      ',': () => playhead.seek(playhead.t - 0.04), '.': () => playhead.seek(playhead.t + 0.04),
      '+': () => view.zoom(0.5, playhead.t), '=': () => view.zoom(0.5, playhead.t), '-': () => view.zoom(2, playhead.t),
      '0': () => view.fit(), Home: () => playhead.seek(playhead.from), End: () => playhead.seek(playhead.to),
    };
    const action = actions[event.key];
    if (!action) return;
    event.preventDefault();
    action();
    if (event.key.startsWith('Arrow')) view.reveal(playhead.t);
  };
}

function crumb(data: Case): void {
  document.getElementById('crumb')!.replaceChildren(h('b', {}, words(data.procedure || 'Case')),
    ...[data.alias || shortId(data.case_id), date(data.start), `room ${data.room || 'not stated'}`, time(data.duration_s)].map((text) => h('span', {}, text)),
    h('span', { class: data.complete ? 'chip' : 'chip bad' }, words(data.verdict.toLowerCase())));
}

/** What stands above everything else when the record is not whole as it was signed. */
function verdict(data: Case): HTMLElement[] {
  if (data.complete) return [];
  const first = data.problems[0];
  return [h('div', { class: 'notice panel bad', role: 'alert', 'data-verdict': data.verdict }, h('b', {}, `${data.verdict.replaceAll('_', ' ')}. `),
    data.verdict === 'UNCLOSED' ? 'Nobody has said yet that this recording ended; what is shown holds up to its last signed second.'
      : 'This is not a complete record as it was signed. ', first ? `${first.where}: ${first.detail}.` : '',
    data.problems.length > 1 ? ` ${data.problems.length - 1} more.` : '')];
}

/** Shows a case; returns what ends it. */
export async function showCase(main: HTMLElement, id: string, at: number | null): Promise<() => void> {
  const data = await api.getCase(id);
  crumb(data);
  const last = Math.max(data.end_s, data.first_t_s + 1);
  const playhead = new Playhead(Math.min(0, data.first_t_s), last);
  const view = new Viewport(Math.min(0, data.first_t_s), last);
  const seek = (t: number) => { playhead.seek(t); view.reveal(t); };
  const onKey = keys(playhead, view);
  const column = h('div', {});
  const panels = new Panels(data, seek, (finding) => timeline.select(finding));
  const open = (finding: Finding) => { if (finding.t0_s !== null) seek(finding.t0_s); void panels.open(finding); };
  const timeline = new Timeline(data, playhead, view, open);
  if (data.readable) {
    const videos = data.streams.filter((stream) => stream.kind === 'video')
      .sort((a, b) => Number(!a.name.includes('scope')) - Number(!b.name.includes('scope')));
    const plots = new Plots(data, playhead, view);
    column.append(videos.length > 0 ? h('div', { class: 'videos' }, ...videos.map((stream) => new Video(data.case_id, stream.key, playhead).element))
      : h('p', { class: 'soft' }, 'No video was recorded in this case.'),
      transport(playhead, view, plots.chooser), timeline.element, plots.element);
  } else {
    column.append(h('div', { class: 'notice panel', role: 'alert' }, h('b', {}, 'The content of this case is not shown here; only the accounting is. '),
      data.unreadable_reason ?? ''), timeline.element);
  }
  main.replaceChildren(...verdict(data), h('div', { class: 'case', 'data-case': data.case_id }, column, panels.element));
  document.addEventListener('keydown', onKey);
  playhead.watch(() => { main.dataset['playheadS'] = playhead.t.toFixed(4); });
  view.watch(() => { main.dataset['viewS'] = `${view.from.toFixed(3)} ${view.to.toFixed(3)}`; });
  view.fit();
  seek(at ?? playhead.t);
  return () => { playhead.stop(); document.removeEventListener('keydown', onKey); };
}
