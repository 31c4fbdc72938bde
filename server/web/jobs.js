// All jobs.
import {getJson, listen} from './api.js';
import {age, announce, code, count, duration, figure, fill, h, percent, scrollable, stateBadge} from './dom.js';

const filters = [['', 'All'], ['Queued', 'Queued'], ['Starting,Running,Restarting,Finishing,Suspending', 'Running'],
  ['Succeeded', 'Succeeded'], ['Failed', 'Failed'], ['Suspended', 'Suspended']];

const most = 20;  // jobs that can be compared

function row(job, picked, pick) {
  const link = `/ui/jobs/${encodeURIComponent(job.name)}`;
  const left = job.seconds_left > 0 ? `${duration(job.seconds_left)} left` : '';
  return h('tr', {class: 'row', 'data-name': job.name},
    h('td', {class: 'pick'}, h('input', {type: 'checkbox', checked: picked.has(job.name), 'aria-label': `Select ${job.name}`,
      onchange: (event) => pick(job.name, event.target.checked)})),
    h('td', null, stateBadge(job.state)),
    h('td', {class: 'name'}, h('a', {href: link}, h('strong', null, job.name)),
      job.why && job.state !== 'Succeeded' ? h('div', {class: 'why'}, job.why) : null),
    h('td', null, [job.script, job.model, job.dataset].filter(Boolean).join(' · ')),
    h('td', null, job.script ? null : h('progress', {max: 1, value: job.progress, 'aria-label': `Progress of ${job.name}`}),
      h('div', null, h('small', null, [job.epochs ? `epoch ${count(job.epoch)} of ${count(job.epochs)}` : '', left]
        .filter(Boolean).join(', ')))),
    h('td', {class: 'num'}, figure(job.loss)),
    h('td', {class: 'num'}, percent(job.best_accuracy ?? NaN)),
    h('td', {class: 'num'}, count(job.samples_per_second ?? NaN)),
    h('td', {class: 'num'}, job.ranks),
    h('td', {class: 'num'}, h('small', {title: job.created}, age(job.created))));
}

function empty(hasFilter) {
  if (hasFilter) return h('div', {class: 'empty'}, 'No job matches this filter.');
  return h('div', {class: 'empty'}, h('h2', null, 'No jobs yet'), h('p', null, 'Three ways to a first one:'),
    h('p', null, '1. ', h('a', {href: '/ui/new'}, 'Fill in the form'), ' (key n).'),
    h('p', null, '2. Send a job file:'),
    code(`curl -H "Authorization: Bearer $(ringtrain server token)" -H "Content-Type: application/yaml" \\
     --data-binary @examples/mnist-lenet.yaml "${location.origin}/api/v1/jobs?ranks=2"`),
    h('p', null, '3. Start the server on a folder of earlier runs: ', h('code', null, 'ringtrain server runs/')));
}

export async function jobsPage(main, {go}) {
  const address = new URLSearchParams(location.search);
  let words = address.get('q') ?? '';
  let state = address.get('state') ?? '';
  let jobs = [];
  let page = {total: 0, next: null};
  let selected = -1;
  const picked = new Set();

  const body = h('tbody');
  const note = h('p', {class: 'muted'});
  const place = h('div');
  const more = h('button', {onclick: () => load(true)}, 'Show more');
  const table = scrollable('Jobs', h('table', null, h('thead', null, h('tr', null,
    h('th', {scope: 'col'}, h('span', {class: 'sr-only'}, 'Select')), ['State', 'Name', 'Model · data, or script', 'Progress'].map((text) => h('th', {scope: 'col'}, text)),
    ['Loss', 'Best accuracy', 'Samples/s', 'Ranks', 'Sent'].map((text) => h('th', {scope: 'col', class: 'num'}, text)))),
  body));

  function draw() {
    if (jobs.length === 0) return void fill(place, empty(words || state));
    fill(body, jobs.map((job) => row(job, picked, pick)));
    if (selected >= 0) body.children[selected]?.setAttribute('aria-selected', 'true');
    const all = `${count(page.total)} ${page.total === 1 ? 'job' : 'jobs'}`;
    note.textContent = jobs.length < page.total ? `${count(jobs.length)} of ${all}` : all;
    fill(place, table, h('div', {class: 'bar'}, note, page.next ? more : null));
    return undefined;
  }

  function pick(name, isOn) {
    if (isOn) picked.add(name); else picked.delete(name);
    compare.textContent = picked.size ? `Compare ${picked.size}` : 'Compare';
    compare.disabled = picked.size < 2 || picked.size > most;
    compare.title = picked.size > most ? `At most ${most} jobs` : 'Tick 2 to 20 jobs';
  }
  const compare = h('button', {disabled: true, title: 'Tick 2 to 20 jobs', onclick: () => openCompare()}, 'Compare');
  const openCompare = () => { if (!compare.disabled) go(`/ui/compare?jobs=${[...picked].map(encodeURIComponent).join(',')}`); };

  let retry = 0;
  const reload = () => { clearTimeout(retry); load().catch(() => { retry = setTimeout(reload, 2000); }); };
  async function load(next = false) {
    const query = new URLSearchParams({limit: '50'});
    if (words) query.set('q', words);
    if (state) query.set('state', state);
    if (next && page.next) query.set('after', page.next);
    page = await getJson(`/api/v1/jobs?${query}`);
    jobs = next ? jobs.concat(page.jobs) : page.jobs;
    draw();
  }

  function refilter() {
    const query = new URLSearchParams();
    if (words) query.set('q', words);
    if (state) query.set('state', state);
    go(`/ui/${query.size ? `?${query}` : ''}`, true);
    selected = -1;
    load();
  }

  const filter = h('input', {type: 'search', id: 'filter', class: 'grow', value: words,
    placeholder: 'Filter: words that must all occur', oninput: (event) => { words = event.target.value; refilter(); }});
  const choice = h('select', {id: 'state', onchange: (event) => { state = event.target.value; refilter(); }},
    filters.map(([value, text]) => h('option', {value, selected: value === state}, text)));

  await load();
  fill(main, h('div', {class: 'bar'}, h('h1', null, 'Jobs'), h('label', {class: 'sr-only', for: 'filter'}, 'Filter'), filter,
    h('label', {class: 'sr-only', for: 'state'}, 'State'), choice, compare, h('a', {class: 'button primary', href: '/ui/new'}, 'New job')), place);

  let due = 0;
  const redraw = () => { due ||= setTimeout(() => { due = 0; draw(); }, 250); };
  const stop = listen((message) => {
    if (message.kind === 'gap' || message.kind === 'end') {
      if (message.kind === 'end') announce(`${message.job}: ${message.data.state}`);
      reload();
    } else if (message.kind === 'job') {
      const at = jobs.findIndex((job) => job.name === message.job);
      if (at >= 0) { jobs[at] = message.data; redraw(); } else if (!page.next) reload();
    }
  });
  const tick = setInterval(redraw, 10000);

  function move(by) {
    if (jobs.length === 0) return;
    selected = Math.min(jobs.length - 1, Math.max(0, selected + by));
    draw();
    body.children[selected].scrollIntoView({block: 'nearest'});
    body.children[selected].querySelector('a').focus({preventScroll: true});
  }
  return {
    leave: () => { stop(); clearInterval(tick); clearTimeout(due); clearTimeout(retry); },
    keys: {'/': (event) => { event.preventDefault(); filter.focus(); }, j: () => move(1), k: () => move(-1), c: openCompare,
      x: () => { const job = jobs[selected]; if (job) { pick(job.name, !picked.has(job.name)); draw(); } }},
  };
}
