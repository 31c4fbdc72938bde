// The models of the server, and one of them.
import {call, getJson, postJson} from './api.js';
import {age, bytes, clock, code, count, failure, figure, fill, h, percent, scrollable} from './dom.js';
import {deployForm, deploymentList} from './deployments.js';
import {operationList} from './operations.js';

const modelPath = (name) => `/api/v1/models/${encodeURIComponent(name)}`;
const page = (name, version) => `/ui/models/${encodeURIComponent(name)}${version ? `?version=${version}` : ''}`;
const jobLink = (job) => job ? h('a', {href: `/ui/jobs/${encodeURIComponent(job)}`}, job) : '–';
const aliasesOf = (aliases, version) => Object.entries(aliases).filter(([, one]) => one === version).map(([alias]) => alias);
const badges = (names) => names.map((one) => h('span', {class: 'badge'}, one));

// The newest evaluation, else what the job itself found.
const accuracyOf = (card) => card.evaluations?.[0]?.accuracy ?? card.test_accuracy ?? NaN;
const lossOf = (card) => card.evaluations?.[0]?.loss ?? card.test_loss ?? NaN;

const none = () => h('div', {class: 'empty'}, h('h2', null, 'No models yet'),
  h('p', null, 'A job that ends well makes the first version of one, under its name. ', h('a', {href: '/ui/new'}, 'New job'), ' (key n).'),
  h('p', null, 'One that ended before:'), code(`curl -d '{"job": "JOB", "model": "NAME"}' -H "Content-Type: application/json" \\
     -H "Authorization: Bearer $(ringtrain server token)" ${location.origin}/api/v1/models`));

function listRow(one) {
  const {latest} = one;
  return h('tr', {class: 'row'}, h('td', null, h('a', {href: page(one.name)}, h('strong', null, one.name)), ' ',
    Object.entries(one.aliases).map(([alias, version]) => h('span', {class: 'badge'}, `${alias}: ${version}`))),
  h('td', null, latest.network, latest.dataset ? ` · ${latest.dataset}` : ''), h('td', null, jobLink(latest.job)),
  h('td', {class: 'num'}, count(one.versions)), h('td', {class: 'num'}, percent(accuracyOf(latest))), h('td', {class: 'num'}, figure(lossOf(latest))),
  h('td', {class: 'num'}, h('small', {title: latest.created}, age(latest.created))));
}

export async function modelsPage(main) {
  const place = h('div');
  async function load() {
    const {models} = await getJson('/api/v1/models');
    fill(place, models.length === 0 ? none() : scrollable('Models', h('table', null, h('thead', null, h('tr', null,
      ['Model', 'Network · data', 'Job'].map((text) => h('th', {scope: 'col'}, text)),
      ['Versions', 'Accuracy', 'Loss', 'Newest'].map((text) => h('th', {scope: 'col', class: 'num'}, text)))), h('tbody', null, models.map(listRow)))));
  }
  const reload = () => load().catch((error) => fill(place, failure(error, reload)));
  const running = operationList('model', reload);
  const deployed = deploymentList();
  await Promise.all([load(), running.load(), deployed.load()]);
  fill(main, h('h1', null, 'Models'), running.element, place, deployed.element);
  return {leave: () => { running.leave(); deployed.leave(); }};
}

const shade = (share) => `heat-${Math.min(5, Math.ceil(5 * share))}`;

// How often each class was taken for each.
function confusion(found) {
  const names = found.classes.map((one) => one.class);
  return [h('h3', null, 'Confusion matrix'), h('p', {class: 'muted'}, 'A row has the samples of a class; a column, what the model takes them for.'),
    scrollable('Confusion matrix', h('table', {class: 'confusion'}, h('thead', null, h('tr', null, h('th', {scope: 'col'}, 'Class'),
      names.map((name) => h('th', {scope: 'col', class: 'num'}, name)))),
    h('tbody', null, found.confusion.map((row, i) => {
      const all = Math.max(1, row.reduce((sum, one) => sum + one, 0));
      return h('tr', null, h('th', {scope: 'row'}, names[i]), row.map((one, k) => h('td', {class: `num ${shade(one / all)}${i === k ? ' right' : ''}`}, count(one))));
    }))))];
}

// The samples with the largest loss; a row is that of `ringtrain predict --dataset DATASET --row N`.
function worstSamples(found) {
  if (!found.worst?.length) return null;
  const labelled = found.worst[0].class !== undefined;
  return [h('h3', null, 'Worst samples'), h('p', {class: 'muted'}, `Rows of the ${found.split} part with the largest loss.`),
    scrollable('Worst samples', h('table', null, h('thead', null, h('tr', null, h('th', {scope: 'col', class: 'num'}, 'Row'),
      labelled ? ['Class', 'Taken for'].map((text) => h('th', {scope: 'col'}, text)) : null,
      labelled ? h('th', {scope: 'col', class: 'num'}, 'Probability') : null, h('th', {scope: 'col', class: 'num'}, 'Loss'))),
    h('tbody', null, found.worst.map((one) => h('tr', null, h('td', {class: 'num'}, count(one.row)),
      labelled ? [h('td', null, one.class), h('td', null, one.predicted), h('td', {class: 'num'}, percent(one.probability))] : null,
      h('td', {class: 'num'}, figure(one.loss ?? NaN)))))))];
}

function evaluationView(found) {
  const cards = [['Samples', count(found.samples)], ['Accuracy', percent(found.accuracy ?? NaN)], ['Loss', figure(found.loss)]];
  const head = [h('p', {class: 'muted'}, `On the ${found.split} part of ${found.dataset || 'its data'}, ${clock(found.time)}.`),
    h('div', {class: 'cards'}, cards.map(([label, value]) => h('div', {class: 'card'}, h('b', null, value), h('span', null, label))))];
  if (found.targets) {
    return [head, scrollable('Targets', h('table', null, h('thead', null, h('tr', null, h('th', {scope: 'col'}, 'Target'),
      ['Rmse', 'Mae'].map((text) => h('th', {scope: 'col', class: 'num'}, text)))),
    h('tbody', null, found.targets.map((one) => h('tr', null, h('td', null, one.target), h('td', {class: 'num'}, figure(one.rmse)), h('td', {class: 'num'}, figure(one.mae))))))), worstSamples(found)];
  }
  const classes = (found.classes ?? []).slice(0, 100);
  return [head, found.confusion ? confusion(found) : null, h('h3', null, 'Classes'),
    scrollable('Classes', h('table', null, h('thead', null, h('tr', null, h('th', {scope: 'col'}, 'Class'), ['Samples', 'Correct', 'Precision'].map((text) => h('th', {scope: 'col', class: 'num'}, text)),
      h('th', {scope: 'col'}, 'Share'))), h('tbody', null, classes.map((one) => h('tr', null, h('td', null, one.class), h('td', {class: 'num'}, count(one.samples)),
      h('td', {class: 'num'}, one.samples ? percent(one.correct / one.samples) : '–'),
      h('td', {class: 'num'}, one.predicted ? percent(one.correct / one.predicted) : '–'),
      h('td', null, h('meter', {min: 0, max: 1, value: one.samples ? one.correct / one.samples : 0, 'aria-label': `Correct of ${one.class}`}))))))), worstSamples(found)];
}

function cardTable(card, name) {
  const files = Object.entries(card.files ?? {}).map(([file, one]) => h('div', {class: 'file'},
    h('a', {href: `${modelPath(name)}/versions/${card.version}/files/${file}`, download: file}, file), ` ${bytes(one.bytes)} `, h('small', {class: 'mono'}, one.sha256)));
  const rows = [['Job', jobLink(card.job)],
    ['Data', card.stored_dataset ? h('a', {href: `/ui/datasets/${encodeURIComponent(card.stored_dataset)}`}, card.stored_dataset) : card.dataset || '–'],
    ['Uuid of the data', card.dataset_uuid || '–'], ['Order of samples', card.order_hash || '–'], ['Seed', card.seed ?? '–'],
    ['Epochs, steps', `${count(card.epochs ?? NaN)}, ${count(card.steps ?? NaN)}`], ['Made', `${clock(card.created)} by ${card.by}`], ['Files', files]];
  return scrollable('Card', h('table', null, h('tbody', null, rows.map(([label, value]) => h('tr', null, h('th', {scope: 'row'}, label), h('td', {class: 'mono'}, value))))));
}

export async function modelPage(main, {name, go}) {
  const wanted = Number(new URLSearchParams(location.search).get('version'));
  const place = h('div');
  const problem = h('div');
  const {datasets} = await getJson('/api/v1/datasets');

  async function load() {
    const model = await getJson(modelPath(name));
    const card = model.versions.find((one) => one.version === wanted) ?? model.versions[0];
    const run = async (method, path, body) => {
      try { await call(method, path, body); fill(problem); await load(); } catch (error) { fill(problem, failure(error)); }
    };
    const alias = h('input', {type: 'text', id: 'alias', value: 'production', autocomplete: 'off', spellcheck: 'false'});
    const giveAlias = (event) => { event.preventDefault(); run('PUT', `${modelPath(name)}/aliases/${encodeURIComponent(alias.value.trim())}`, JSON.stringify({version: card.version})); };
    const on = h('select', {id: 'evaluate-on'}, datasets.map((one) => h('option', {selected: one.name === card.stored_dataset}, one.name)));
    const evaluate = async (event) => {
      event.preventDefault();
      try { await postJson(`${modelPath(name)}/versions/${card.version}/evaluations`, JSON.stringify({dataset: on.value})); await running.load(); } catch (error) { fill(problem, failure(error)); }
    };
    const remove = async () => {
      if (!confirm(`Delete version ${card.version} of ${name} for good?`)) return;
      try { await call('DELETE', `${modelPath(name)}/versions/${card.version}`); go(model.versions.length > 1 ? page(name) : '/ui/models'); } catch (error) { fill(problem, failure(error)); }
    };
    const versionRow = (one) => h('tr', {class: 'row', 'aria-selected': one === card ? 'true' : null},
      h('td', null, h('a', {href: page(name, one.version), 'aria-current': one === card ? 'true' : null}, h('strong', null, `version ${one.version}`)), ' ', badges(aliasesOf(model.aliases, one.version))),
      h('td', null, jobLink(one.job)), h('td', null, one.dataset), h('td', {class: 'num'}, percent(accuracyOf(one))), h('td', {class: 'num'}, figure(lossOf(one))),
      h('td', {class: 'num'}, h('small', {title: one.created}, age(one.created))));
    fill(place, scrollable('Versions', h('table', null, h('thead', null, h('tr', null, ['Version', 'Job', 'Data'].map((text) => h('th', {scope: 'col'}, text)),
      ['Accuracy', 'Loss', 'Made'].map((text) => h('th', {scope: 'col', class: 'num'}, text)))), h('tbody', null, model.versions.map(versionRow)))),
    h('div', {class: 'bar below'}, h('h2', {class: 'grow'}, `Version ${card.version}`),
      deployForm(name, card.version, deployed.load, (error) => fill(problem, failure(error))),
      h('form', {class: 'bar actions', onsubmit: giveAlias}, h('label', {for: 'alias'}, 'Alias'), alias, h('button', null, 'Give')),
      aliasesOf(model.aliases, card.version).map((one) => h('button', {onclick: () => run('DELETE', `${modelPath(name)}/aliases/${one}`)}, `Take ${one} away`)),
      h('button', {class: 'danger', onclick: remove}, 'Delete')),
    cardTable(card, name), h('h2', null, 'Evaluation'),
    datasets.length ? h('form', {class: 'bar actions', onsubmit: evaluate}, h('label', {for: 'evaluate-on'}, 'Evaluate on'), on, h('button', null, 'Evaluate')) : null,
    card.evaluations.length ? card.evaluations.map((one, i) => i === 0 ? evaluationView(one)
      : h('details', null, h('summary', null, `${one.dataset}, ${clock(one.time)}: ${one.accuracy === undefined ? figure(one.loss) : percent(one.accuracy)}`), evaluationView(one)))
      : h('p', {class: 'muted'}, 'Not evaluated yet.'));
  }
  const reload = () => load().catch((error) => fill(place, failure(error, reload)));
  const running = operationList('model', reload);
  const deployed = deploymentList(name);
  await load();
  await Promise.all([running.load(), deployed.load()]);
  fill(main, h('h1', null, name), running.element, problem, deployed.element, place);
  return {leave: () => { running.leave(); deployed.leave(); }};
}
