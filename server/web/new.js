// A new job: a form made of the job file's schema beside the YAML. Both are one document, which the server checks.
import {getJson, jobPath, postJson} from './api.js';
import {announce, count, duration, fill, h} from './dom.js';
import {setKey} from './yaml_edit.js';

const first = `name: my-job
model: lenet
dataset: data/mnist.h5
epochs: 4
batch_size: 128
optimizer: {type: sgd, learning_rate: 0.05, momentum: 0.9}
schedule: {type: cosine}
`;
// In a cluster a job names the volume that its data and output are on.
const firstInCluster = `name: my-job
model: lenet
dataset: /data/mnist.h5
output: /data/runs/my-job
epochs: 4
batch_size: 128
optimizer: {type: sgd, learning_rate: 0.05, momentum: 0.9}
schedule: {type: cosine}
kubernetes:
  image: ringtrain:latest
  workers: 2
  volumes: [{mount: /data, claim: mnist}]
`;
const firstScript = `name: my-script
script:
  file: train.py
  args: ["--epochs", "4"]
`;
const groups = [['Job', ['model', 'dataset', 'epochs', 'batch_size', 'seed']],
  ['Optimizer', ['optimizer.type', 'optimizer.learning_rate', 'optimizer.momentum', 'optimizer.weight_decay']],
  ['Schedule', ['schedule.type', 'schedule.warmup_epochs']]];
const scriptGroups = [['Script', ['script.file', 'script.module', 'script.args', 'script.python', 'script.directory', 'script.checkpoint']]];
const leftOut = new Set(['kubernetes', 'output']);

// Every key that a form can show: path to its schema.
function keysOf(schema, prefix = '') {
  const found = [];
  for (const [name, one] of Object.entries(schema.properties ?? {})) {
    if (leftOut.has(prefix + name)) continue;
    if (one.type === 'object' && one.properties) found.push(...keysOf(one, `${prefix}${name}.`));
    else if (one.type !== 'object' && one.items?.type !== 'object') found.push([prefix + name, one]);
  }
  return found;
}

const valueAt = (object, path) => path.split('.').reduce((value, key) => value?.[key], object);

function parsed(schema, input) {
  if (schema.type === 'boolean') return input.checked;
  const text = input.value.trim();
  if (text === '') return undefined;
  if (schema.type === 'array') {
    return text.replace(/^\[|\]$/g, '').split(',').map((one) => one.trim()).filter(Boolean)
      .map((one) => schema.items?.type === 'string' || !Number.isFinite(Number(one)) ? one : Number(one));
  }
  if ((schema.type === 'integer' || schema.type === 'number') && Number.isFinite(Number(text))) return Number(text);
  return text;
}

function control(path, schema, change) {
  const id = `key-${path}`;
  const common = {id, 'aria-describedby': `${id}-text`, onchange: () => change(path, schema, input)};
  let input;
  if (schema.enum) input = h('select', common, schema.enum.map((value) => h('option', null, value)));
  else if (schema.type === 'boolean') input = h('input', {...common, type: 'checkbox'});
  else {
    const known = schema.default === undefined || schema.default === null ? '' : [].concat(schema.default).join(', ');
    input = h('input', {...common, type: 'text', inputmode: schema.type === 'integer' ? 'numeric' : null, placeholder: known,
      oninput: common.onchange, autocomplete: 'off', spellcheck: 'false'});
  }
  const problem = h('div', {class: 'error', id: `${id}-problem`});
  const element = h('div', {class: 'field'}, h('label', {for: id}, path.split('.').at(-1)), input,
    h('small', {id: `${id}-text`}, schema.description ?? ''), problem);
  return {element, input, schema, path, problem};
}

export async function newPage(main, {go}) {
  const address = new URLSearchParams(location.search);
  const source = address.get('from');
  const [schema, system, spec, {datasets}] = await Promise.all([getJson('/api/v1/schema'), getJson('/api/v1/system'),
    source ? getJson(`${jobPath(source)}/spec`) : null, getJson('/api/v1/datasets')]);
  const onDataset = address.get('dataset');
  const firstJob = system.cluster ? firstInCluster : first;
  const yaml = h('textarea', {class: 'yaml', id: 'yaml', spellcheck: 'false', value: spec?.as_sent ?? (onDataset ? setKey(firstJob, 'dataset', onDataset) : firstJob),
    'aria-describedby': 'verdict', oninput: () => later()});
  const ranks = h('input', {type: 'number', id: 'ranks', min: 1, max: system.cluster ? 65536 : system.cores,
    value: spec?.ranks ?? (system.cluster ? '' : Math.min(2, system.cores)), onchange: () => later()});
  const verdict = h('div', {id: 'verdict', role: 'status'});
  const submitButton = h('button', {class: 'primary', onclick: () => submit()}, 'Start training');

  const change = (path, one, input) => { yaml.value = setKey(yaml.value, path, parsed(one, input)); later(); };
  const controls = new Map(keysOf(schema).map(([path, one]) => [path, control(path, one, change)]));
  const used = new Set(['name', 'restarts', ...[...groups, ...scriptGroups].flatMap(([, paths]) => paths)]);
  const rest = new Map();
  for (const [path, one] of controls) {
    if (used.has(path)) continue;
    const group = path.includes('.') ? path.split('.')[0] : 'other';
    rest.set(group, [...(rest.get(group) ?? []), one.element]);
  }
  // The server's datasets are offered by name; a path can be typed as well.
  const offered = h('datalist', {id: 'datasets'}, datasets.map((one) => h('option', {value: one.name})));
  controls.get('dataset')?.input.setAttribute('list', 'datasets');
  controls.get('dataset')?.element.append(offered);
  const box = (title, fields) => h('fieldset', null, h('legend', null, title), fields);
  const ranksField = h('div', {class: 'field'}, h('label', {for: 'ranks'}, 'ranks'), ranks,
    h('small', null, system.cluster ? 'Processes that work together, in whole pods; empty: as kubernetes.workers says.'
      : `Processes that work together, one core each; this server has ${system.cores}. The result of training does not depend on it.`),
    h('div', {class: 'error', id: 'key-ranks-problem'}));
  controls.set('ranks', {element: ranksField, input: ranks, schema: {type: 'integer'}, path: 'ranks', problem: ranksField.lastChild});

  // The form follows the file: a job trains a model, or runs a script.
  const choice = h('select', {id: 'kind', onchange: () => { show(choice.value); yaml.value = choice.value === 'script' ? firstScript : system.cluster ? firstInCluster : first;
    check(); }},
    h('option', {value: 'model'}, 'Train a model'), h('option', {value: 'script'}, 'Run a script'));
  const boxes = (all) => h('div', null, all.map(([title, paths]) => box(title, paths.map((path) => controls.get(path)?.element))));
  const ofModel = h('div', null, boxes(groups), h('details', null, h('summary', null, 'All keys'), [...rest].filter(([name]) => name !== 'script')
    .map(([title, fields]) => box(title, fields))));
  const ofScript = h('div', {hidden: true}, boxes(scriptGroups), rest.has('script') ? h('details', null, h('summary', null, 'All keys'),
    box('script', rest.get('script'))) : null);
  function show(kind) {
    choice.value = kind;
    ofModel.hidden = kind === 'script';
    ofScript.hidden = kind !== 'script';
    submitButton.textContent = kind === 'script' ? 'Start the script' : 'Start training';
  }

  const form = h('form', {onsubmit: (event) => { event.preventDefault(); submit(); }},
    box('Run', [h('div', {class: 'field'}, h('label', {for: 'kind'}, 'what'), choice,
      h('small', null, system.scripts ? 'Another choice begins the job file anew.' : 'This server runs no scripts: its owner starts it with --allow-scripts.')),
    controls.get('name')?.element, ranksField, controls.get('restarts')?.element]), ofModel, ofScript);

  function showProblems(errors) {
    for (const one of controls.values()) { one.problem.textContent = ''; one.input.removeAttribute('aria-invalid'); }
    for (const error of errors) {
      const one = controls.get(error.path);
      if (!one) continue;
      one.problem.textContent = error.message;
      one.input.setAttribute('aria-invalid', 'true');
    }
    yaml.setAttribute('aria-invalid', errors.length ? 'true' : 'false');
    if (errors.length) {
      fill(verdict, h('ul', {class: 'problems'}, errors.map((error) => h('li', null,
        error.line ? h('strong', null, `line ${error.line}: `) : null, error.path ? `${error.path}: ` : '', error.message))));
    }
  }

  function fillForm(answer) {
    show(answer.job.script ? 'script' : 'model');
    for (const one of controls.values()) {
      if (one.path === 'ranks' || document.activeElement === one.input) continue;
      const value = valueAt(answer.job, one.path);
      if (one.schema.type === 'boolean') one.input.checked = value === true;
      else one.input.value = value === undefined || value === null ? '' : [].concat(value).join(', ');
    }
  }

  function showJob(answer) {
    const {steps, seconds, like, starts} = answer.plan;
    fill(verdict, h('p', {class: 'ok'}, `✓ A good job, on ${answer.ranks} ${answer.ranks === 1 ? 'rank' : 'ranks'}.`),
      steps ? h('p', null, `It takes ${count(steps)} steps`, seconds ? `, about ${duration(seconds)}` : '', like ? ` (estimated from ${like}).` : '.') : null,
      starts === 'later' ? h('p', {class: 'muted'}, 'It waits until enough cores are free.') : null,
      answer.warnings.map((text) => h('p', {class: 'muted'}, text)));
  }

  let due = 0, turn = 0;
  async function check() {
    const mine = ++turn;
    try {
      const answer = await postJson(`/api/v1/jobs:validate?${query()}`, yaml.value, 'application/yaml');
      if (mine !== turn) return;
      submitButton.disabled = !answer.valid;
      showProblems(answer.errors);
      if (answer.job) fillForm(answer);
      if (answer.valid) showJob(answer);
    } catch (error) {
      if (mine === turn && error.status !== 401) fill(verdict, h('p', {class: 'error'}, error.message));
    }
  }
  const query = () => new URLSearchParams(ranks.value ? {ranks: ranks.value} : {});
  function later() { clearTimeout(due); due = setTimeout(check, 300); }

  async function submit() {
    submitButton.disabled = true;
    const parameters = query();
    if (source) parameters.set('fresh_name', 'true');
    try {
      const job = await postJson(`/api/v1/jobs?${parameters}`, yaml.value, 'application/yaml');
      announce(`${job.name} was sent`);
      go(`/ui/jobs/${encodeURIComponent(job.name)}`);
    } catch (error) {
      submitButton.disabled = false;
      if (error.errors.length) showProblems(error.errors);
      else fill(verdict, h('p', {class: 'error', role: 'alert'}, error.message));
    }
  }

  async function drop(event) {
    event.preventDefault();
    const [file] = event.dataTransfer?.files ?? [];
    if (file) { yaml.value = await file.text(); check(); }
  }
  yaml.addEventListener('dragover', (event) => event.preventDefault());
  yaml.addEventListener('drop', drop);

  fill(main, h('h1', null, source ? `New job from ${source}` : 'New job'),
    h('p', {class: 'muted'}, `Paths count from ${system.data[0]}; a dataset of the server has a name alone. Form and file are the same: change either, or drop a file on it.`),
    h('div', {class: 'split'}, form, h('div', {class: 'side'}, h('label', {for: 'yaml'}, h('h2', null, 'Job file')), yaml, verdict,
      h('div', {class: 'bar'}, submitButton, h('small', null, 'Ctrl Enter')))));
  await check();
  return {leave: () => clearTimeout(due), keys: {submit: (event) => { event.preventDefault(); if (!submitButton.disabled) submit(); }}};
}
