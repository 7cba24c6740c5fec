import * as api from './api';
import { h } from './dom';
import { date, shortId, time, words } from './format';
import type { CaseRow } from './types';

function row(item: CaseRow): HTMLTableRowElement {
  const href = `#/case/${item.case_id}`;
  const link = h('a', { href, class: 'mono' }, shortId(item.case_id));
  const element = h('tr', {
    click: (event: MouseEvent) => { if (event.target !== link) location.hash = href; },
    keydown: (event: KeyboardEvent) => {
      const next = event.key === 'ArrowDown' ? element.nextElementSibling
        : event.key === 'ArrowUp' ? element.previousElementSibling : null;
      if (next) { event.preventDefault(); next.querySelector('a')?.focus(); }
    },
  },
  h('td', {}, link), h('td', {}, words(item.procedure || 'not stated')), h('td', {}, item.room || '\u2013'),
  h('td', {}, date(item.start)), h('td', { class: 'num' }, time(item.duration_s)),
  h('td', {}, h('span', { class: item.complete ? 'chip' : 'chip bad' }, words(item.verdict.toLowerCase()))), h('td', { class: 'num' }, String(item.streams)),
  h('td', { class: 'num' }, String(item.gaps)));
  return element;
}

const matches = (item: CaseRow, text: string) =>
  text.toLowerCase().split(/\s+/).every((word) =>
    [item.case_id, item.procedure, words(item.procedure), item.room, item.state, item.verdict, item.start ?? '']
      .some((field) => field.toLowerCase().includes(word)));

export async function showList(main: HTMLElement): Promise<void> {
  const cases = await api.listCases();
  cases.sort((a, b) => (b.start ?? '').localeCompare(a.start ?? ''));
  if (cases.length === 0) {
    main.replaceChildren(h('section', { class: 'message panel' }, h('h1', {}, 'No cases yet'),
      h('p', {}, 'This store is empty. Record a case, import files, or let the simulator make one:'),
      h('p', { class: 'mono' }, 'casebox demo')));
    return;
  }
  const body = h('tbody');
  const count = h('span', { class: 'soft' });
  const filter = h('input', {
    type: 'search', placeholder: 'Filter: procedure, room, date, id', 'aria-label': 'Filter the cases',
    input: () => fill(),
    keydown: (event: KeyboardEvent) => { if (event.key === 'ArrowDown') body.querySelector('a')?.focus(); },
  });
  const fill = () => {
    const shown = cases.filter((item) => matches(item, filter.value.trim()));
    body.replaceChildren(...(shown.length > 0 ? shown.map(row)
      : [h('tr', {}, h('td', { colspan: 8, class: 'soft' }, 'No case matches this filter.'))]));
    count.textContent = `${shown.length} of ${cases.length}`;
  };
  const head = (text: string, numeric = false) => h('th', { scope: 'col', class: numeric ? 'num' : '' }, text);
  main.replaceChildren(
    h('div', { class: 'list-head' }, h('h1', {}, 'Cases'), count, filter),
    h('table', { class: 'cases panel' }, h('thead', {}, h('tr', {}, head('Case'), head('Procedure'), head('Room'),
      head('Began'), head('Length', true), head('Verdict'), head('Streams', true), head('Gaps', true))), body));
  fill();
}
