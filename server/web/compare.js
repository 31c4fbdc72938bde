// Jobs side by side: what differs, which is best, and their charts in one.
import {getJson, jobPath, listen} from './api.js';
import {chart, lineStyle} from './chart.js';
import {count, duration, figure, fill, h, isLive, percent, scrollable, stateBadge} from './dom.js';

const most = 20;
// Keys that change how a job runs, but not what it learns.
const withoutEffect = /^(name|output|workers|elastic|restarts|trace|checkpoint|communication\.(backend|algorithm|bucket_mib|timeout_seconds|shard_optimizer)|device|kubernetes|cuda_graph|epochs|max_steps|stop_at|evaluate_every_epochs)(\.|$)/;

const seconds = (job) => job.started && !isLive(job.state) ? (Date.parse(job.since) - Date.parse(job.started)) / 1000 : NaN;
const results = [
  ['Best test accuracy', (job) => job.best_accuracy, percent, Math.max],
  ['Test loss', (job) => job.test_loss, figure, Math.min],
  ['Training loss', (job) => job.loss, figure, Math.min],
  ['Samples a second', (job) => job.samples_per_second, count, Math.max],
  ['Time from start to end', seconds, duration, Math.min],
  ['Steps', (job) => job.step, count, null],
  ['Ranks', (job) => job.ranks, count, null],
];

function flatten(value, prefix = '', into = {}) {
  for (const [key, one] of Object.entries(value)) {
    if (one !== null && typeof one === 'object' && !Array.isArray(one)) flatten(one, `${prefix}${key}.`, into);
    else into[prefix + key] = JSON.stringify(one);
  }
  return into;
}

// A line of many has a point for two pixels: without its band, more cannot be seen.
async function read(name, points) {
  const [job, spec, {series}] = await Promise.all([getJson(jobPath(name)),
    getJson(`${jobPath(name)}/spec`).catch((error) => { if (error.status === 404) return null; throw error; }),
    getJson(`${jobPath(name)}/series?points=${points}`)]);
  return {name, job, keys: spec ? flatten(spec.understood) : null, series};
}

/** Groups of jobs that saw the same samples in the same order: their names. Jobs whose other keys are equal as well, but
 *  for those without effect on what is learned, are a group with isSame. */
export function sameRuns(all) {
  const groups = new Map();
  for (const one of all) {
    if (!one.job.order_hash || !one.keys) continue;
    const id = `${one.job.order_hash} ${one.job.seed}`;
    groups.set(id, [...(groups.get(id) ?? []), one]);
  }
  const found = [];
  for (const group of groups.values()) {
    const equal = new Map();
    for (const one of group) {
      const id = JSON.stringify(Object.entries(one.keys).filter(([key]) => !withoutEffect.test(key)).sort());
      equal.set(id, [...(equal.get(id) ?? []), one.name]);
    }
    found.push(...[...equal.values()].map((names) => ({names, isSame: true})), {names: group.map((one) => one.name), isSame: false});
  }
  return found.filter((one) => one.names.length > 1);
}

function badgeOf(name, groups) {
  const group = groups.find((one) => one.names.includes(name));
  if (!group) return null;
  return h('div', null, h('span', {class: 'badge', title: `with ${group.names.filter((one) => one !== name).join(', ')}`}, group.isSame ? '= the same run' : 'same samples in the same order'));
}

function resultRows(all) {
  return results.map(([title, of, format, better]) => {
    const values = all.map((one) => of(one.job) ?? NaN);
    const known = values.filter(Number.isFinite);
    if (known.length === 0) return null;
    // Values that look the same are equally good.
    const best = better && new Set(known.map(format)).size > 1 ? format(better(...known)) : null;
    return h('tr', null, h('th', {scope: 'row'}, title), values.map((value) => h('td', {class: format(value) === best ? 'best' : null},
      format(value), format(value) === best ? h('span', null, ' ★', h('span', {class: 'sr-only'}, ' best')) : null)));
  });
}

function keyRows(all, showsAll) {
  const known = all.filter((one) => one.keys);
  const names = [...new Set(known.flatMap((one) => Object.keys(one.keys)))].filter((key) => key !== 'name' && key !== 'output').sort();
  const shown = names.filter((key) => showsAll || new Set(known.map((one) => one.keys[key])).size > 1);
  if (shown.length === 0) {
    return [h('tr', null, h('td', {colspan: all.length + 1, class: 'muted'}, known.length ? 'No key differs.' : 'The job files are not known here.'))];
  }
  return shown.map((key) => h('tr', null, h('th', {scope: 'row', class: 'mono'}, key),
    all.map((one) => h('td', {class: 'mono'}, one.keys ? one.keys[key] ?? '–' : h('span', {class: 'muted'}, 'not known')))));
}

function csvOf(all) {
  const names = [...new Set(all.flatMap((one) => Object.keys(one.keys ?? {})))].sort();
  const quote = (value) => `"${String(value ?? '').replaceAll('"', '""')}"`;
  const rows = [['job', 'state', 'order_hash', ...results.map(([title]) => title), ...names]];
  for (const one of all) {
    rows.push([one.name, one.job.state, one.job.order_hash, ...results.map(([, of]) => { const v = of(one.job); return Number.isFinite(v) ? v : ''; }),
      ...names.map((key) => one.keys?.[key] ?? '')]);
  }
  return `${rows.map((row) => row.map(quote).join(',')).join('\n')}\n`;
}

const tooFew = () => [h('h1', null, 'Compare'), h('div', {class: 'empty'}, h('h2', null, 'Choose 2 to 20 jobs'),
  h('p', null, 'Tick jobs in the list ', h('a', {href: '/ui/'}, 'Jobs'), ' (key x), then choose ', h('em', null, 'Compare'), ' (key c).'))];

export async function comparePage(main, {go}) {
  const address = new URLSearchParams(location.search);
  const names = [...new Set((address.get('jobs') ?? '').split(',').filter(Boolean))];
  if (names.length < 2) { fill(main, tooFew()); return {}; }
  let showsAll = address.get('keys') === 'all';
  let x = address.get('x') ?? 'step';
  const points = names.length > 4 ? 250 : 500;
  const readAll = () => Promise.all(names.slice(0, most).map((name) => read(name, points)));
  let all = await readAll();

  const lines = all.map((one) => [one.name, one.name]);
  const charts = [['loss', {title: 'Loss of steps', log: true}], ['train_loss', {title: 'Loss of epochs', log: true}],
    ['test_loss', {title: 'Loss of the test part', log: true}],
    ['test_accuracy', {title: 'Accuracy on the test part', format: percent, percentAxis: true}],
    ['samples_per_second', {title: 'Samples a second', format: count}]]
    .map(([series, options]) => ({series, chart: chart({names: lines, ...options})}));
  const place = scrollable('Comparison');
  const remember = () => {
    const query = new URLSearchParams({jobs: names.join(',')});
    if (showsAll) query.set('keys', 'all');
    if (x !== 'step') query.set('x', x);
    go(`/ui/compare?${query}`, true);
  };

  function drawTable() {
    const groups = sameRuns(all);
    fill(place, h('table', {class: 'compare'}, h('thead', null, h('tr', null, h('th', {scope: 'col'}, h('span', {class: 'sr-only'}, 'Figure')),
      all.map((one, i) => h('th', {scope: 'col'}, h('i', {class: `swatch ${lineStyle(i)}`, 'aria-hidden': 'true'}),
        h('a', {href: `/ui/jobs/${encodeURIComponent(one.name)}`}, one.name), h('div', null, stateBadge(one.job.state)), badgeOf(one.name, groups))))),
    h('tbody', null, h('tr', {class: 'group'}, h('th', {scope: 'rowgroup', colspan: all.length + 1}, 'Results')), resultRows(all)),
    h('tbody', null, h('tr', {class: 'group'}, h('th', {scope: 'rowgroup', colspan: all.length + 1}, showsAll ? 'All keys' : 'Keys that differ')),
      keyRows(all, showsAll))));
  }
  function drawCharts() {
    const steps = new Map(all.map((one) => [one.name, one.job]));
    const epochOf = (step, name) => steps.get(name).steps ? step * steps.get(name).epochs / steps.get(name).steps : step;
    for (const one of charts) {
      const series = Object.fromEntries(all.filter((each) => each.series[one.series]).map((each) => [each.name, each.series[one.series]]));
      one.chart.update(series, {x, epochOf, ownStart: true});
      one.chart.element.hidden = !one.chart.hasPoints() && !all.some((each) => isLive(each.job.state));
    }
  }
  const draw = () => { drawTable(); drawCharts(); };

  function download() {
    const link = h('a', {href: URL.createObjectURL(new Blob([csvOf(all)], {type: 'text/csv'})), download: 'compare.csv'});
    link.click();
    URL.revokeObjectURL(link.href);
  }
  const choice = h('select', {id: 'axis', onchange: (event) => { x = event.target.value; remember(); drawCharts(); }},
    ['step', 'epoch', 'time'].map((value) => h('option', {selected: value === x}, value)));
  const showAll = h('input', {type: 'checkbox', id: 'all-keys', checked: showsAll,
    onchange: (event) => { showsAll = event.target.checked; remember(); drawTable(); }});

  draw();
  fill(main, h('div', {class: 'bar'}, h('h1', {class: 'grow'}, `Compare ${all.length} jobs`), showAll, h('label', {for: 'all-keys'}, 'All keys'),
    h('button', {onclick: download}, 'Download CSV')),
  names.length > most ? h('div', {class: 'banner'}, `These are the first ${most} of ${names.length} jobs.`) : null, place,
  h('div', {class: 'bar below'}, h('h2', {class: 'grow'}, 'Charts'), h('label', {for: 'axis'}, 'Over'), choice),
  h('div', {class: 'charts'}, charts.map((one) => one.chart.element)));

  let due = 0;
  const reload = async () => {
    due = 0;
    try { all = await readAll(); draw(); } catch { soon(5000); }
  };
  const soon = (after = 2000) => { due ||= setTimeout(reload, after); };
  const stop = listen((message) => {
    if (message.kind === 'gap' || (names.includes(message.job) && ['job', 'step', 'epoch', 'end'].includes(message.kind))) soon();
  });
  return {leave: () => { stop(); clearTimeout(due); }};
}
