// One job.
import {call, getJson, jobPath, listen} from './api.js';
import {chart} from './chart.js';
import {age, announce, bytes, canFinish, canResume, canScale, canStop, clock, code, count, duration, failure, figure, fill, h, isLive,
  percent, scrollable, showDialog, stateBadge} from './dom.js';

const tabs = [['charts', 'Charts'], ['log', 'Log'], ['ranks', 'Ranks'], ['spec', 'Job file'], ['files', 'Files'],
  ['timeline', 'Timeline']];

// Asks for another number of ranks.
async function scaleDialog(job, run) {
  const system = await getJson('/api/v1/system');
  const most = job.cluster ? 65536 : system.cores;
  const number = h('input', {type: 'number', id: 'scale-ranks', min: 1, max: most, value: job.ranks, required: true});
  const dialog = h('dialog', {'aria-labelledby': 'scale-title'}, h('h2', {id: 'scale-title'}, `Ranks of ${job.name}`),
    h('p', null, isLive(job.state) ? 'It writes a checkpoint and continues on them. The result stays the same.'
      : 'It starts on them next time. The result stays the same.'),
    h('form', {onsubmit: (event) => {
      event.preventDefault();
      dialog.close();
      run('PUT', `${jobPath(job.name)}/scale`, JSON.stringify({ranks: Number(number.value)}));
    }}, h('div', {class: 'field'}, h('label', {for: 'scale-ranks'}, 'Ranks'), number, 
      h('small', null, job.cluster ? 'whole pods, as many ranks each as the job file says' : `1 to ${system.cores}`)),
    h('div', {class: 'bar'}, h('button', {type: 'button', onclick: () => dialog.close()}, 'Cancel'), h('button', {class: 'primary'}, 'Scale'))));
  showDialog(dialog);
}

function actions(job, run, clone) {
  const path = jobPath(job.name);
  if (!job.managed) return h('p', {class: 'muted'}, 'Started by ringtrain run: shown here, not controlled.');
  return h('div', {class: 'bar actions', role: 'group', 'aria-label': 'Actions'},
    canStop(job.state) ? h('button', {onclick: () => run('POST', `${path}/stop`), title: 'Writes a checkpoint, then ends'}, 'Stop') : null,
    canResume(job.state) ? h('button', {class: 'primary', onclick: () => run('POST', `${path}/resume`)}, 'Resume') : null,
    canFinish(job.state) && !job.cluster ? h('button', {title: 'Ends now: it evaluates, and writes its model', onclick: () => confirm(`End ${job.name} now, with the model that it has?`)
      && run('POST', `${path}/finish`)}, 'Finish') : null,
    canScale(job.state) ? h('button', {title: 'Changes the number of ranks', onclick: () => scaleDialog(job, run)}, 'Scale…') : null,
    h('button', {title: 'Sends the same job file once more, under the next name that is free', onclick: clone}, 'Clone'),
    h('a', {class: 'button', title: 'Opens the form with this job file', href: `/ui/new?from=${encodeURIComponent(job.name)}`}, 'Edit copy'),
    h('button', {class: 'danger', onclick: () => confirm(`Delete ${job.name}? It stays in the trash for 7 days.`)
      && run('DELETE', path)}, 'Delete'));
}

// A script reports no steps: what is known of it is where it runs and how often it was started.
const scriptCards = (job) => [['Ranks', job.ranks], ['Attempts', job.attempts], ['Restarts of ranks', job.restarts],
  ['Started', job.started ? clock(job.started) : '–']];

const trainingCards = (job) => [['Step', job.steps ? `${count(job.step)} of ${count(job.steps)}` : '–'], ['Epoch', job.epochs ? `${count(job.epoch)} of ${count(job.epochs)}` : '–'],
    ['Loss', figure(job.loss ?? NaN)], ['Test accuracy', percent(job.test_accuracy ?? NaN)], ['Best accuracy', percent(job.best_accuracy ?? NaN)],
    ['Samples/s', count(job.samples_per_second ?? NaN)], ['Ranks', job.ranks],
    [isLive(job.state) ? 'Time left' : 'Attempts', isLive(job.state) ? duration(job.seconds_left ?? NaN) : job.attempts]];

function head(job, run, clone) {
  const cards = job.script ? scriptCards(job) : trainingCards(job);
  return [h('div', {class: 'bar'}, h('div', {class: 'grow'}, h('h1', null, job.name),
    h('small', null, [job.script, job.model, job.dataset, `sent ${clock(job.created)}`, job.by ? `by ${job.by}` : '', job.elastic ? 'elastic' : '',
      job.cluster ? `namespace ${job.cluster}` : ''].filter(Boolean).join(' · '),
      job.parent ? [' · ', h('a', {href: `/ui/compare?jobs=${encodeURIComponent(job.parent)},${encodeURIComponent(job.name)}`}, `clone of ${job.parent}`)] : null)),
  actions(job, run, clone)),
  h('p', null, stateBadge(job.state), ' ', job.why ? h('span', {class: job.state === 'Failed' ? 'error' : 'muted'}, job.why) : null),
  job.script ? null : h('progress', {class: 'wide', max: 1, value: job.progress, 'aria-label': 'Progress'}),
  h('div', {class: 'cards'}, cards.map(([label, value]) => h('div', {class: 'card'}, h('b', null, value), h('span', null, label))))];
}

function chartsTab(name, current) {
  const charts = [
    chart({title: 'Loss of steps', names: [['loss', 'loss']], log: true}),
    chart({title: 'Loss of epochs', names: [['train_loss', 'train'], ['test_loss', 'test']], log: true}),
    chart({title: 'Accuracy on the test part', names: [['test_accuracy', 'accuracy']], format: percent, percentAxis: true}),
    chart({title: 'Samples a second', names: [['samples_per_second', 'samples/s']], format: count}),
    chart({title: 'Learning rate', names: [['learning_rate', 'learning rate']]}),
    chart({title: 'Step of the slowest rank', names: [['step_seconds', 'seconds']]}),
    chart({title: 'Shares of the time', names: [['communication_share', 'waits for ranks'], ['data_share', 'waits for data']], format: percent, percentAxis: true})];
  let x = 'step';
  const choice = h('select', {id: 'axis', onchange: (event) => { x = event.target.value; load(); }},
    ['step', 'epoch', 'time'].map((value) => h('option', null, value)));
  async function load() {
    const {series} = await getJson(`${jobPath(name)}/series?points=500`);
    const job = current();
    const epochOf = (step) => job.steps ? step * job.epochs / job.steps : step;
    for (const one of charts) one.update(series, {x, epochOf});
    // Nothing comes any more to a chart of a job that has ended.
    for (const one of charts) one.element.hidden = !isLive(job.state) && job.state !== 'Queued' && !one.hasPoints();
    none.hidden = charts.some((one) => !one.element.hidden);
  }
  const none = h('div', {class: 'empty', hidden: true}, 'It ended before its first report.');
  if (current().script) {
    return {element: h('div', {class: 'empty'}, h('h2', null, 'No charts'), h('p', null, 'This job runs a script, which reports no '
      + 'steps or losses to ringtrain. What it prints is under Log; what it writes below $RINGTRAIN_OUTPUT is under Files.')), load: () => {}};
  }
  return {element: h('div', null, h('div', {class: 'bar'}, h('label', {for: 'axis'}, 'Over'), choice,
    h('small', null, 'A band shows the smallest and largest value of each point.')),
  none, h('div', {class: 'charts'}, charts.map((one) => one.element))), load};
}

function logTab(name, current) {
  let offset = null, attempt = null, follows = true;
  const text = h('pre', {class: 'log', tabindex: 0, 'aria-label': 'log'});
  const words = h('input', {type: 'search', class: 'grow', placeholder: 'Show lines with…', 'aria-label': 'Show lines with', oninput: () => draw()});
  const follow = h('input', {type: 'checkbox', id: 'follow', checked: true, onchange: (event) => { follows = event.target.checked; }});
  const choice = h('select', {'aria-label': 'Attempt', onchange: (event) => { attempt = event.target.value; offset = null; all = []; load(); }});
  let all = [];
  function draw() {
    const wanted = words.value.toLowerCase();
    const shown = all.filter((line) => line.toLowerCase().includes(wanted)).slice(-5000);
    fill(text, shown.length ? shown.map((line) => h('span', {class: /error|failed|lost|killed|warning/i.test(line) ? 'bad' : null}, `${line}\n`))
      : h('span', {class: 'muted'}, all.length ? 'No line has that.' : 'Nothing yet.'));
    if (follows) text.scrollTop = text.scrollHeight;
  }
  async function load() {
    const {attempts} = current();
    if (choice.options.length !== attempts) {
      fill(choice, Array.from({length: attempts}, (_, i) => h('option', {value: i + 1, selected: i + 1 === attempts}, `attempt ${i + 1}`)));
      attempt = attempts; offset = null; all = [];
    }
    for (let more = true; more;) {
      const at = offset === null ? 'tail=262144' : `from=${offset}&limit=262144`;
      const answer = await call('GET', `${jobPath(name)}/logs?attempt=${attempt ?? 0}&${at}`);
      const next = answer.headers.get('X-Next-Offset');
      const body = await answer.text();
      more = body !== '' && offset !== null;
      offset = next;
      if (body) all.push(...body.replace(/\n$/, '').split('\n'));
    }
    draw();
  }
  return {element: h('div', null, h('div', {class: 'bar'}, choice, words, follow, h('label', {for: 'follow'}, 'Follow')), text), load, follows: true};
}

function listTab(load) {
  const element = h('div');
  return {element, load: async () => { fill(element, await load()); }};
}

const table = (heads, rows, none) => rows.length === 0 ? h('div', {class: 'empty'}, none)
  : scrollable('Table', h('table', null, h('thead', null, h('tr', null, heads.filter((text) => text !== null).map((text) => h('th', {scope: 'col'}, text)))),
    h('tbody', null, rows.map((cells) => h('tr', null, cells.filter((cell) => cell !== null).map((cell) => h('td', null, cell)))))));

// Pods of a job in a cluster; those that do not run say why.
function podsTable(pods) {
  if (pods.length === 0) return null;
  const known = (one) => one.why ? h('span', {class: 'slow'}, one.why) : '';
  return [h('h2', null, 'Pods'), table(['Pod', 'Node', 'State', 'Restarts', 'Why'], pods.map((one) => [one.pod, one.node || '–', one.state,
    one.restarts, known(one)]), '')];
}

function makeTab(id, name, current) {
  const path = jobPath(name);
  if (id === 'charts') return chartsTab(name, current);
  if (id === 'log') return logTab(name, current);
  if (id === 'ranks') {
    return listTab(async () => {
      const {ranks, pods, slowest, communication, seen, ...shares} = await getJson(`${path}/ranks`);
      const isSlow = (one) => one.times_median > 1.5;
      return [communication ? h('p', null, `Gradients are averaged by ${communication}.`) : null,
        slowest ? h('p', null, `The slowest is rank ${slowest.rank} on ${slowest.host}: ${figure(1000 * slowest.seconds)} ms a step, `
          + `the others' median is ${figure(1000 * slowest.median_of_others)} ms.`) : null,
        shares.communication_share !== null ? h('p', null, `Rank 0 waits ${percent(shares.communication_share)} of its time for other ranks, `
          + `and ${percent(shares.data_share)} for data.`) : null,
        table(['Rank', 'Host', pods.length ? 'Node' : null, 'Device', 'Own time of a step', 'Times the median', 'Last seen'], ranks.map((one) => [one.rank, one.host, pods.length ? one.node ?? '–' : null,
          one.device || '–',
          one.step_seconds === null ? '–' : `${figure(1000 * one.step_seconds)} ms`,
          one.times_median === null ? '–' : h('span', {class: isSlow(one) ? 'slow' : null}, `× ${one.times_median.toFixed(2)}${isSlow(one) ? ' slow' : ''}`),
          seen && one.step_seconds !== null ? h('span', {title: clock(seen)}, age(seen)) : '–']), 'The ranks have not started yet.'),
        ranks.length > 1 && !seen ? h('p', {class: 'muted'}, 'Times of ranks come every 10 seconds.') : null, podsTable(pods)];
    });
  }
  if (id === 'spec') {
    return listTab(async () => {
      const spec = await getJson(`${path}/spec`).catch((error) => { if (error.status === 404) return null; throw error; });
      if (!spec) return h('div', {class: 'empty'}, 'This run was started by ringtrain run: its job file is not known here.');
      return [spec.warnings.length ? h('ul', null, spec.warnings.map((text) => h('li', null, text))) : null,
        h('div', {class: 'split'}, h('div', null, h('h2', null, 'As sent'), code(spec.as_sent)),
          h('div', null, h('h2', null, 'As understood, with all defaults'), code(JSON.stringify(spec.understood, null, 2))))];
    });
  }
  if (id === 'files') {
    return listTab(async () => {
      const {files} = await getJson(`${path}/files`);
      return table(['File', 'Size'], files.map((one) => [h('a', {href: `${path}/files/${one.path.split('/').map(encodeURIComponent).join('/')}`}, one.path),
        bytes(one.bytes)]), 'The output has no files yet.');
    });
  }
  return listTab(async () => {
    const {timeline} = await getJson(`${path}/timeline`);
    return table(['Time', 'What', 'Why'], timeline.map((one) => [clock(one.time),
      [one.attempt ? one.what.replace('attempt', `attempt ${one.attempt}`) : one.what, one.by ? ` by ${one.by}` : ''].join(''), one.why ?? '']), 'Nothing happened yet.');
  });
}

export async function jobPage(main, {name, go}) {
  let job = await getJson(jobPath(name));
  const home = job.script ? 'log' : 'charts';
  let open = new URLSearchParams(location.search).get('tab') ?? home;
  let tab = null;
  const top = h('div');
  const problem = h('div');
  const bar = h('div', {class: 'tabs', role: 'tablist'});
  const place = h('div', {role: 'tabpanel', 'aria-labelledby': 'tab-open'});
  const drawHead = () => {
    const isInside = top.contains(document.activeElement);
    const label = document.activeElement?.textContent;
    fill(top, head(job, run, clone));
    // Who was on a button stays on it.
    if (isInside) [...top.querySelectorAll('button, a')].find((one) => one.textContent === label)?.focus({preventScroll: true});
  };

  async function clone() {
    fill(problem);
    try {
      const made = await (await call('POST', `${jobPath(name)}/clone`)).json();
      announce(`${made.name} was sent`);
      go(`/ui/jobs/${encodeURIComponent(made.name)}`);
    } catch (error) { fill(problem, failure(error)); }
  }
  async function run(method, path, body) {
    fill(problem);
    try {
      job = {...job, ...await (await call(method, path, body)).json()};
      if (method === 'DELETE' && job.state === 'Deleting' && !isLive(job.state)) go('/ui/');
      drawHead();
    } catch (error) { fill(problem, failure(error)); }
  }
  async function load() {
    try { await tab.load(); fill(problem); } catch (error) { if (error.status && error.status !== 401) fill(problem, failure(error, load)); }
  }
  function show(id, replace = true) {
    open = id;
    if (replace) go(`/ui/jobs/${encodeURIComponent(name)}${id === home ? '' : `?tab=${id}`}`, true);
    fill(bar, tabs.map(([each, text]) => h('button', {role: 'tab', id: each === id ? 'tab-open' : null,
      'aria-selected': each === id ? 'true' : 'false', onclick: () => show(each)}, text)));
    tab = makeTab(id, name, () => job);
    fill(place, tab.element);
    load();
  }

  drawHead();
  fill(main, top, problem, bar, place);
  show(tabs.some(([id]) => id === open) ? open : home, false);

  let retry = 0;
  async function refresh() {
    clearTimeout(retry);
    try {
      job = await getJson(jobPath(name));
      drawHead();
      load();
    } catch (error) { if (error.status !== 401) retry = setTimeout(refresh, 2000); }
  }
  let due = 0;
  const soon = (after = 700) => { due ||= setTimeout(() => { due = 0; load(); }, after); };
  const stop = listen((message) => {
    if (message.kind === 'gap') refresh();
    if (message.job !== name) return;
    if (message.kind === 'job') { job = message.data; drawHead(); if (tab.follows) soon(); }
    if (message.kind === 'end') {
      if (message.data.state === 'Deleted') return void go('/ui/');
      job = message.data; drawHead(); soon(); announce(`${name}: ${job.state}`);
    }
    if (['step', 'epoch', 'ranks', 'checkpoint', 'started'].includes(message.kind) && ['charts', 'log', 'ranks', 'files'].includes(open)) soon();
    return undefined;
  });
  const poll = setInterval(() => { if (tab.follows && isLive(job.state)) soon(); }, 1500);
  return {leave: () => { stop(); clearTimeout(due); clearTimeout(retry); clearInterval(poll); },
    keys: {l: () => show('log'), '.': (event) => { event.preventDefault(); top.querySelector('.actions button, .actions a')?.focus(); }}};
}
