import { showCase } from './caseview';
import { h } from './dom';
import { showList } from './list';

let end: () => void = () => undefined;
let turn = 0;

/** "#/" is the list, "#/case/<id>?t=<seconds>" a case. */
async function route(): Promise<void> {
  const mine = ++turn;
  end();
  end = () => undefined;
  const main = document.getElementById('main')!;
  document.getElementById('crumb')!.replaceChildren();
  main.replaceChildren(h('p', { class: 'soft' }, 'Loading\u2026'));
  const match = /^#\/case\/([^?]+)(?:\?t=(-?[\d.]+))?$/.exec(location.hash);
  try {
    if (match) {
      const stop = await showCase(main, decodeURIComponent(match[1]!), match[2] === undefined ? null : Number(match[2]));
      if (mine === turn) end = stop; else stop();
    } else {
      await showList(main);
    }
    document.title = match ? `Case ${match[1]!.slice(0, 8)} \u2013 Casebox` : 'Cases \u2013 Casebox';
  } catch (error) {
    main.replaceChildren(h('section', { class: 'message panel', role: 'alert' }, h('h1', {}, 'This cannot be shown'),
      h('p', {}, error instanceof Error ? error.message : String(error)), h('a', { href: '#/' }, 'Back to the cases')));
  }
  main.focus();
}

document.querySelector('.skip')!.addEventListener('click', (event) => {
  event.preventDefault();  // the address names the case, not a place on the page
  document.getElementById('main')!.focus();
});
addEventListener('hashchange', () => void route());
void route();
