// The datasets of the server, and one of them.
import {call, getJson} from './api.js';
import {bytes, clock, code, count, failure, figure, fill, h, scrollable, stateBadge} from './dom.js';
import {operationList} from './operations.js';
import {dropped} from './import.js';

export const datasetPath = (name) => `/api/v1/datasets/${encodeURIComponent(name)}`;
const page = (name) => `/ui/datasets/${encodeURIComponent(name)}`;
const samples = (one) => `${one.shape.join(' × ')} ${one.element}`;
const answers = (one) => one.targets > 0 ? `${count(one.targets)} ${one.targets === 1 ? 'target' : 'targets'}`
  : `${count(one.classes)} ${one.classes === 1 ? 'class' : 'classes'}`;

function tile(one) {
  return h('li', {class: 'tile'}, one.has_sheet ? h('img', {src: `${datasetPath(one.name)}/sheet.png`, alt: `Samples of ${one.name}`, loading: 'lazy'})
    : h('div', {class: 'no-sheet', 'aria-hidden': 'true'}, 'table'),
  h('h2', null, h('a', {href: page(one.name)}, one.name)),
  h('p', {class: 'muted'}, `${count(one.train_rows)} training and ${count(one.test_rows)} test rows, ${answers(one)}`),
  h('p', {class: 'muted'}, `${samples(one)} · ${bytes(one.bytes)}`));
}

const none = () => h('div', {class: 'empty'}, h('h2', null, 'No datasets yet'),
  h('p', null, 'Drop a file on this page, or choose ', h('a', {href: '/ui/import'}, 'Import a dataset'), ' (key i): a zip of images, a table, arrays, or an address.'),
  h('p', null, 'A program sends it so:'), code(`curl -T animals.zip -H "Authorization: Bearer $(ringtrain server token)" ${location.origin}/api/v1/files/`));

export async function datasetsPage(main, {go}) {
  const place = h('div');
  async function load() {
    const {datasets} = await getJson('/api/v1/datasets');
    fill(place, datasets.length ? h('ul', {class: 'tiles'}, datasets.map(tile)) : none());
  }
  const reload = () => load().catch((error) => fill(place, failure(error, reload)));
  const running = operationList('import', reload);
  await Promise.all([load(), running.load()]);
  fill(main, h('div', {class: 'bar'}, h('h1', {class: 'grow'}, 'Datasets'), h('a', {class: 'button primary', href: '/ui/import'}, 'Import a dataset')),
    running.element, place);
  const drop = (event) => {
    event.preventDefault();
    if (event.dataTransfer?.files.length) { dropped(event.dataTransfer.files); go('/ui/import'); }
  };
  const over = (event) => event.preventDefault();
  main.addEventListener('dragover', over);
  main.addEventListener('drop', drop);
  return {leave: () => { running.leave(); main.removeEventListener('dragover', over); main.removeEventListener('drop', drop); },
    keys: {i: () => go('/ui/import')}};
}

function classTable(one) {
  if (one.targets?.length) {
    return scrollable('Targets', h('table', null, h('thead', null, h('tr', null, h('th', {scope: 'col'}, 'Target'),
      ['Mean', 'Std', 'Least', 'Largest'].map((text) => h('th', {scope: 'col', class: 'num'}, text)))),
    h('tbody', null, one.targets.map((each) => h('tr', null, h('td', null, each.name),
      ['mean', 'std', 'min', 'max'].map((key) => h('td', {class: 'num'}, figure(each[key]))))))));
  }
  const shown = 100;
  const most = Math.max(1, ...one.train_rows_of_class);
  return [scrollable('Classes', h('table', null, h('thead', null, h('tr', null, h('th', {scope: 'col'}, 'Class'),
    ['Training rows', 'Test rows'].map((text) => h('th', {scope: 'col', class: 'num'}, text)), h('th', {scope: 'col'}, 'Share'))),
  h('tbody', null, one.classes.slice(0, shown).map((name, i) => h('tr', null, h('td', null, name), h('td', {class: 'num'}, count(one.train_rows_of_class[i])),
    h('td', {class: 'num'}, count(one.test_rows_of_class[i])),
    h('td', null, h('meter', {min: 0, max: most, value: one.train_rows_of_class[i], 'aria-label': `Training rows of ${name}`}))))))),
  one.classes.length > shown ? h('p', {class: 'muted'}, `The first ${shown} of ${count(one.classes.length)} classes.`) : null];
}

export async function datasetPage(main, {name, go}) {
  const one = await getJson(datasetPath(name));
  const rows = one.has_sheet ? null : await (await call('GET', `${datasetPath(name)}/rows.txt`)).text();
  const problem = h('div');
  async function remove() {
    if (!confirm(`Delete the dataset ${name} for good?`)) return;
    try { await call('DELETE', datasetPath(name)); go('/ui/datasets'); } catch (error) { fill(problem, failure(error)); }
  }
  const facts = [['uuid', one.uuid], ['SHA-256', one.sha256], ['Source', Object.entries(one.files ?? {}).map(([role, file]) => `${role}: ${file}`).join(', ')],
    ['Imported', `${clock(one.created)} by ${one.by}, as ${one.kind}`]];
  fill(main, h('div', {class: 'bar'}, h('div', {class: 'grow'}, h('h1', null, name), h('small', null, `${one.shape.join(' × ')} ${one.element}, ${bytes(one.bytes)}`)),
    h('a', {class: 'button primary', href: `/ui/new?dataset=${encodeURIComponent(name)}`}, 'Train on it'),
    h('button', {class: 'danger', onclick: remove}, 'Delete')), problem,
  h('div', {class: 'cards'}, [['Training rows', count(one.train_rows)], ['Test rows', count(one.test_rows)],
    [one.targets?.length ? 'Targets' : 'Classes', count(one.targets?.length || one.classes.length)], ['Bytes', bytes(one.bytes)]]
    .map(([label, value]) => h('div', {class: 'card'}, h('b', null, value), h('span', null, label)))),
  h('h2', null, 'Samples'), rows === null ? h('img', {class: 'sheet', src: `${datasetPath(name)}/sheet.png`, alt: `Samples of ${name}`}) : code(rows),
  h('h2', null, one.targets?.length ? 'Targets' : 'Classes'), classTable(one),
  h('h2', null, 'Used by'), one.jobs.length === 0 ? h('p', {class: 'muted'}, 'No job reads it.')
    : h('ul', {class: 'plain'}, one.jobs.map((job) => h('li', null, stateBadge(job.state), ' ', h('a', {href: `/ui/jobs/${encodeURIComponent(job.name)}`}, job.name)))),
  h('h2', null, 'Facts'), scrollable('Facts', h('table', null, h('tbody', null, facts.map(([label, value]) => h('tr', null, h('th', {scope: 'row'}, label), h('td', {class: 'mono'}, value)))))),
  one.notes?.length ? [h('h2', null, 'What the importer said'), code(one.notes.join('\n'))] : null);
  return {};
}
