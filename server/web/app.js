// Shell of all pages: addresses, keys, signing in.
import {ApiError, call, listen, onSignedOut} from './api.js';
import {code, failure, fill, h} from './dom.js';

const main = document.getElementById('main');
const signOut = document.getElementById('sign-out');
let isAway = false;  // the server did not answer when a page was opened
let leave = () => {};
let keys = {};

// A page's module is loaded when the page is opened: the first one waits for no other.
const pages = [
  [/^\/ui\/$/, 'Jobs', () => import('./jobs.js'), 'jobsPage'],
  [/^\/ui\/new$/, 'New job', () => import('./new.js'), 'newPage'],
  [/^\/ui\/jobs\/([^/]+)$/, 'Job', () => import('./job.js'), 'jobPage'],
  [/^\/ui\/compare$/, 'Compare', () => import('./compare.js'), 'comparePage'],
  [/^\/ui\/datasets$/, 'Datasets', () => import('./datasets.js'), 'datasetsPage'],
  [/^\/ui\/datasets\/([^/]+)$/, 'Dataset', () => import('./datasets.js'), 'datasetPage'],
  [/^\/ui\/import$/, 'Import a dataset', () => import('./import.js'), 'importPage'],
  [/^\/ui\/models$/, 'Models', () => import('./models.js'), 'modelsPage'],
  [/^\/ui\/models\/([^/]+)$/, 'Model', () => import('./models.js'), 'modelPage'],
  [/^\/ui\/machine$/, 'Machine', () => import('./machine.js'), 'machinePage'],
  [/^\/ui\/docs$/, 'API', () => import('./docs.js'), 'docsPage'],
];

async function load(module) {
  try {
    return await module();
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;  // it came, and is wrong
    throw new ApiError(0, {detail: 'The server does not answer. Jobs live on without it.'});
  }
}

// The other modules come while nobody waits, so that pages are there when the server is not.
let comes = false;
function loadTheRest() {
  if (comes) return;
  comes = true;
  setTimeout(() => { for (const [, , module] of pages) module().catch(() => { comes = false; }); }, 1000);
}

/** Shows the page of an address; `replace` where it is the same page in another state. */
export function go(address, replace = false) {
  history[replace ? 'replaceState' : 'pushState'](null, '', address);
  if (!replace) show();
}

async function show() {
  leave();
  leave = () => {};
  keys = {};
  for (const link of document.querySelectorAll('nav a')) {
    if (link.getAttribute('href') === location.pathname) link.setAttribute('aria-current', 'page');
    else link.removeAttribute('aria-current');
  }
  const found = pages.map(([pattern, ...rest]) => [location.pathname.match(pattern), ...rest]).find(([match]) => match);
  if (!found) {
    document.title = 'Not found · ringtrain';
    fill(main, h('h1', null, 'There is no such page'), h('p', null, h('a', {href: '/ui/'}, 'All jobs')));
    return;
  }
  const [match, title, module, page] = found;
  const name = match[1] ? decodeURIComponent(match[1]) : '';
  document.title = `${name || title} · ringtrain`;
  fill(main, h('p', {class: 'loading'}, 'Loading…'));
  const address = location.pathname;
  try {
    const made = await (await load(module))[page](main, {name, go});
    loadTheRest();
    if (location.pathname !== address) made?.leave?.();
    else { leave = made?.leave ?? leave; keys = made?.keys ?? {}; watchLink(); }
    signOut.hidden = false;
  } catch (error) {
    if (error.status === 401) return;
    signOut.hidden = false;
    isAway = error.status === 0;
    // Pages without a name of their own, as Compare, are of jobs.
    const what = name ? title.toLowerCase() : 'job';
    fill(main, h('h1', null, name || title), error.status === 404
      ? h('p', null, `There is no such ${what}: it may have been deleted. `,
        h('a', {href: what === 'job' ? '/ui/' : `/ui/${what}s`}, `All ${what}s`)) : failure(error, show));
  }
}

function signInPage(problem) {
  leave();
  leave = () => {};
  keys = {};
  signOut.hidden = true;
  const token = h('input', {type: 'password', id: 'token', autocomplete: 'off', class: 'grow', required: true});
  const wrong = h('p', {class: 'error', role: 'alert'}, problem ?? '');
  const submit = async (event) => {
    event.preventDefault();
    try {
      await call('POST', '/api/v1/session', JSON.stringify({token: token.value.trim()}));
      show();
    } catch (error) { wrong.textContent = error.message; }
  };
  document.title = 'Sign in · ringtrain';
  fill(main, h('div', {class: 'narrow'}, h('h1', null, 'Sign in'),
    h('p', null, 'This prints an address that signs you in:'), code('ringtrain server url'),
    h('p', null, 'Or enter a token, as this prints it:'), code('ringtrain server token'),
    h('form', {class: 'bar', onsubmit: submit}, h('label', {for: 'token'}, 'Token'), token,
      h('button', {class: 'primary'}, 'Sign in')), wrong));
  token.focus();
}
onSignedOut(() => signInPage());
signOut.addEventListener('click', async () => {
  try { await call('DELETE', '/api/v1/session'); signInPage(); } catch (error) { fill(main, failure(error, show)); }
});

async function useCode() {
  const code = new URLSearchParams(location.hash.slice(1)).get('code');
  if (!code) return true;
  history.replaceState(null, '', location.pathname + location.search);
  try {
    await call('POST', '/api/v1/session', JSON.stringify({code}));
    return true;
  } catch (error) {
    // An address that was opened twice: the cookie of the first time may still be good.
    const known = await fetch('/api/v1/system');
    if (!known.ok) signInPage(error.message);
    return known.ok;
  }
}

const help = h('dialog', {'aria-labelledby': 'help-title'},
  h('h2', {id: 'help-title'}, 'Keys'),
  h('dl', {class: 'keys'}, [['/', 'Filter'], ['j  k', 'Next and previous job'], ['Enter', 'Open the job'],
    ['x', 'Select the job'], ['c', 'Compare the selected jobs'], ['n', 'New job'], ['g j', 'Jobs'], ['g d', 'Datasets'],
    ['g o', 'Models'], ['g m', 'Machine'], ['g a', 'API'], ['i', 'Import a dataset'], ['l', 'Log of the job'], ['.', 'Buttons of the job'], ['Ctrl Enter', 'Submit the form'],
    ['?', 'This list']].map(([key, text]) => [h('dt', null, h('kbd', null, key)), h('dd', null, text)])),
  h('p', null, h('label', null, h('input', {type: 'checkbox', checked: localStorage.getItem('keys') !== 'off',
    onchange: (event) => localStorage.setItem('keys', event.target.checked ? 'on' : 'off')}), ' Single keys work')),
  h('form', {method: 'dialog'}, h('button', null, 'Close')));
document.body.append(help);
document.getElementById('help-button').addEventListener('click', () => help.showModal());

let awaitsTarget = false;
document.addEventListener('keydown', (event) => {
  const field = event.target.closest?.('input, textarea, select, dialog');
  if (event.key === 'Enter' && (event.ctrlKey || event.metaKey)) return keys.submit?.(event);
  if (field || event.ctrlKey || event.metaKey || event.altKey || localStorage.getItem('keys') === 'off') return undefined;
  if (awaitsTarget) {
    awaitsTarget = false;
    const target = {j: '/ui/', d: '/ui/datasets', o: '/ui/models', m: '/ui/machine', a: '/ui/docs'}[event.key];
    if (target) go(target);
    return undefined;
  }
  if (event.key === 'g') awaitsTarget = true;
  else if (event.key === '?') help.showModal();
  else if (event.key === 'n') { event.preventDefault(); go('/ui/new'); }
  else if (keys[event.key]) keys[event.key](event);
  return undefined;
});

document.addEventListener('click', (event) => {
  const link = event.target.closest('a[href^="/ui/"]');
  if (!link || event.ctrlKey || event.metaKey || event.shiftKey || event.button !== 0 || link.target) return;
  event.preventDefault();
  go(link.getAttribute('href'));
});
window.addEventListener('popstate', show);

let watches = false;
function watchLink() {
  if (watches) return;
  watches = true;
  listen((message) => {
    if (message.kind !== 'link') return;
    document.getElementById('link-state').textContent = message.up ? '' : 'The server does not answer; jobs live on';
    if (message.up && isAway) { isAway = false; show(); }
  });
}

// An address that signs in may be opened in a tab that is here already.
window.addEventListener('hashchange', async () => { if (location.hash.includes('code=') && await useCode()) show(); });
if (await useCode()) show();
