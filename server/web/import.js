// A form that makes a dataset: files or addresses, options of their kind, progress, refusals in the importer's words.
import {getJson, postJson} from './api.js';
import {announce, bytes, fill, h} from './dom.js';
import {follow, operationView} from './operations.js';
import {upload} from './upload.js';

let waiting = [];  // files that were dropped on another page
export const dropped = (files) => { waiting = [...files]; };

const suffixes = [['images', /\.(zip|tar|tar\.gz|tgz)$/i], ['csv', /\.(csv|tsv|txt)(\.gz)?$/i], ['npy', /\.npy$/i],
  ['idx', /(idx\d-ubyte|-images|-labels)(\.gz)?$/i], ['ringtrain', /\.(h5|hdf5)$/i]];
const kindOf = (file) => suffixes.find(([, pattern]) => pattern.test(file.name))?.[0] ?? 'images';
const nameOf = (file) => file.name.toLowerCase().replace(/\..*$/, '').replace(/[^a-z0-9]+/g, '-').replace(/^-+|-+$/g, '').slice(0, 63);
const words = (key) => key.replaceAll('_', ' ');

// A file of the source: chosen here, or named by its address or path.
function fileField(one, change) {
  const id = `file-${one.role}`;
  const choice = h('select', {id: `${id}-from`, 'aria-label': `${words(one.role)} comes from`, onchange: () => show()},
    [['upload', 'this computer'], ['url', 'an address'], ['path', 'a folder of the server']].map(([value, text]) => h('option', {value}, text)));
  const file = h('input', {type: 'file', id, onchange: () => { chosen = file.files[0]; show(); change(chosen); }});
  const text = h('input', {type: 'text', id: `${id}-text`, 'aria-label': `Address or path of ${words(one.role)}`, autocomplete: 'off', spellcheck: 'false'});
  const note = h('small');
  const problem = h('div', {class: 'error'});
  const bar = h('progress', {max: 1, value: 0, hidden: true, 'aria-label': `Upload of ${words(one.role)}`});
  let chosen = null;
  function show() {
    const isFile = choice.value === 'upload';
    file.hidden = !isFile;
    text.hidden = isFile;
    text.placeholder = choice.value === 'url' ? 'https://example.org/animals.zip, or s3://BUCKET/animals.zip' : 'animals.zip';
    note.textContent = isFile && chosen ? `${chosen.name}, ${bytes(chosen.size)}` : one.text;
  }
  show();
  const element = h('div', {class: 'field'}, h('label', {for: id}, words(one.role)), h('div', {class: 'source'}, choice, file, text, bar), note, problem);
  return {element, problem, role: one.role, isRequired: one.required,
    give: (given) => { chosen = given; choice.value = 'upload'; show(); },
    isEmpty: () => choice.value === 'upload' ? !chosen : !text.value.trim(),
    async send(signal) {
      if (choice.value !== 'upload') return {[choice.value]: text.value.trim()};
      bar.hidden = false;
      const id_ = await upload(chosen, (share, why) => { bar.value = share; note.textContent = why || `${Math.round(100 * share)}% of ${bytes(chosen.size)}`; }, signal);
      return {upload: id_};
    }};
}

function optionField(one) {
  const id = `option-${one.key}`;
  const common = {id, 'aria-describedby': `${id}-text`};
  const input = one.allowed.length ? h('select', common, one.allowed.map((value) => h('option', null, value)))
    : one.type === 'boolean' ? h('input', {...common, type: 'checkbox'})
      : h('input', {...common, type: 'text', inputmode: one.type === 'integer' ? 'numeric' : null, autocomplete: 'off', spellcheck: 'false'});
  const problem = h('div', {class: 'error'});
  const element = h('div', {class: 'field'}, h('label', {for: id}, words(one.key)), input, h('small', {id: `${id}-text`}, one.text), problem);
  function value() {
    if (one.type === 'boolean') return input.checked || undefined;
    const text = input.value.trim();
    if (text === '' || (one.allowed.length && text === one.allowed[0])) return undefined;
    if (one.type === 'array') return text.split(',').map((each) => each.trim()).filter(Boolean);
    return (one.type === 'integer' || one.type === 'number') && Number.isFinite(Number(text)) ? Number(text) : text;
  }
  return {element, problem, key: one.key, isRequired: one.required, value};
}

export async function importPage(main, {go}) {
  const {kinds} = await getJson('/api/v1/dataset-kinds');
  const name = h('input', {type: 'text', id: 'dataset-name', required: true, autocomplete: 'off', spellcheck: 'false', 'aria-describedby': 'dataset-name-text'});
  const nameProblem = h('div', {class: 'error'});
  const choice = h('select', {id: 'kind', onchange: () => draw()}, kinds.map((one) => h('option', {value: one.kind}, one.kind)));
  const kindText = h('small');
  const filesBox = h('fieldset');
  const optionsBox = h('div');
  const verdict = h('div', {role: 'status'});
  const submitButton = h('button', {class: 'primary'}, 'Import');
  let files = [];
  let options = [];
  let aborting = null;
  let unfollow = () => {};

  function draw(given = []) {
    const kind = kinds.find((one) => one.kind === choice.value);
    kindText.textContent = kind.text;
    files = kind.files.map((one) => fileField(one, (file) => { if (!name.value && file) name.value = nameOf(file); }));
    options = kind.options.map(optionField);
    given.slice(0, files.length).forEach((file, i) => files[i].give(file));
    fill(filesBox, h('legend', null, 'Files'), files.map((one) => one.element));
    const first = options.filter((one) => one.isRequired);
    const rest = options.filter((one) => !one.isRequired);
    fill(optionsBox, first.length ? h('fieldset', null, h('legend', null, 'In the file'), first.map((one) => one.element)) : null,
      rest.length ? h('details', null, h('summary', null, 'Options'), h('fieldset', null, h('legend', null, 'Options'), rest.map((one) => one.element))) : null);
  }

  function take(given) {
    if (given.length === 0) return;
    choice.value = kindOf(given[0]);
    if (!name.value) name.value = nameOf(given[0]);
    draw(given);
  }

  const problems = () => new Map([['name', nameProblem], ...files.map((one) => [`files.${one.role}`, one.problem]), ...options.map((one) => [`options.${one.key}`, one.problem])]);
  function showErrors(error) {
    const places = problems();
    for (const place of places.values()) place.textContent = '';
    const elsewhere = [];
    for (const one of error.errors ?? []) {
      const place = places.get(one.path);
      if (place) { place.textContent = one.message; place.closest('details')?.setAttribute('open', ''); } else elsewhere.push(`${one.path}: ${one.message}`);
    }
    fill(verdict, h('p', {class: 'error', role: 'alert'}, elsewhere.length || !(error.errors ?? []).length ? [error.message, ...elsewhere].join(' ') : 'Correct what is marked.'));
  }

  function watch(operation) {
    unfollow = follow(operation, (found) => {
      fill(verdict, operationView(found, name.value));
      if (found.state === 'Succeeded') { announce(`${name.value} was imported`); go(`/ui/datasets/${encodeURIComponent(name.value)}`); }
      if (found.state === 'Failed' || found.state === 'Cancelled') submitButton.disabled = false;
    });
  }

  async function submit(event) {
    event.preventDefault();
    for (const place of problems().values()) place.textContent = '';
    const missing = files.filter((one) => one.isRequired && one.isEmpty());
    for (const one of missing) one.problem.textContent = 'Choose a file, or give its address.';
    if (missing.length) return;
    submitButton.disabled = true;
    aborting = new AbortController();
    const body = {name: name.value.trim(), kind: choice.value, files: {}, options: {}};
    for (const one of options) { const value = one.value(); if (value !== undefined) body.options[one.key] = value; }
    try {
      for (const one of files) if (!one.isEmpty()) body.files[one.role] = await one.send(aborting.signal);
      watch(await postJson('/api/v1/datasets', JSON.stringify(body)));
    } catch (error) {
      submitButton.disabled = false;
      if (error.name !== 'AbortError') showErrors(error);
    }
  }

  const form = h('form', {onsubmit: submit},
    h('fieldset', null, h('legend', null, 'Dataset'),
      h('div', {class: 'field'}, h('label', {for: 'kind'}, 'kind'), choice, kindText),
      h('div', {class: 'field'}, h('label', {for: 'dataset-name'}, 'name'), name, h('small', {id: 'dataset-name-text'}, 'Lower-case letters, digits and -. Jobs name it so.'), nameProblem)),
    filesBox, optionsBox, verdict, h('div', {class: 'bar'}, submitButton, h('a', {class: 'button', href: '/ui/datasets'}, 'All datasets')));
  draw();
  take(waiting);
  waiting = [];
  const over = (event) => event.preventDefault();
  const drop = (event) => { event.preventDefault(); take([...event.dataTransfer?.files ?? []]); };
  main.addEventListener('dragover', over);
  main.addEventListener('drop', drop);
  fill(main, h('div', {class: 'narrow-form'}, h('h1', null, 'Import a dataset'),
    h('p', {class: 'muted'}, 'Drop files here, or choose them. An upload continues after a lost connection.'), form));
  return {leave: () => { aborting?.abort(); unfollow(); main.removeEventListener('dragover', over); main.removeEventListener('drop', drop); },
    keys: {submit: () => form.requestSubmit()}};
}
