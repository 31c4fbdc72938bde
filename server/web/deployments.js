// Models that answer requests: a table with addresses, and a form that deploys a version.
import {call, getJson} from './api.js';
import {announce, failure, fill, h, scrollable} from './dom.js';

const pathOf = (name) => `/api/v1/deployments/${encodeURIComponent(name)}`;
const pause = 1000;  // ms between two looks while one starts or changes

// The address as this browser reaches it.
function addressOf(one) {
  const url = new URL(one.address);
  if (url.hostname === '0.0.0.0' || url.hostname === '[::]') url.hostname = location.hostname;
  return url.href;
}

function row(one, stop) {
  return h('tr', {class: 'row'}, h('td', null, h('strong', null, one.name)),
    h('td', null, h('a', {href: `/ui/models/${encodeURIComponent(one.model)}?version=${one.version}`}, `${one.model}, version ${one.version}`)),
    h('td', null, one.state, one.error ? h('div', {class: 'error'}, one.error) : null),
    h('td', {class: 'mono'}, one.state === 'Ready' || one.state === 'Changing' ? h('a', {href: addressOf(one), target: '_blank', rel: 'noopener'}, addressOf(one)) : '–'),
    h('td', null, h('button', {class: 'danger', 'aria-label': `Stop ${one.name}`, onclick: () => stop(one)}, 'Stop')));
}

/** The table of deployments, of `model` alone where it is given: {element, load, leave}. */
export function deploymentList(model) {
  const element = h('div');
  let timer = 0;
  let left = false;

  async function stop(one) {
    if (!confirm(`Stop ${one.name}? Its address answers no more; the model stays.`)) return;
    try { await call('DELETE', pathOf(one.name)); announce(`${one.name} was stopped`); await load(); } catch (error) { fill(element, failure(error, load)); }
  }
  async function load() {
    clearTimeout(timer);
    const {deployments} = await getJson('/api/v1/deployments');
    if (left) return;
    const shown = deployments.filter((one) => !model || one.model === model);
    fill(element, shown.length === 0 ? null : [h('h2', null, 'Deployments'), scrollable('Deployments', h('table', null, h('thead', null, h('tr', null,
      ['Name', 'Model', 'State', 'Address', 'Action'].map((text) => h('th', {scope: 'col'}, text)))), h('tbody', null, shown.map((one) => row(one, stop)))))]);
    if (shown.some((one) => one.state !== 'Ready')) timer = setTimeout(() => load().catch(() => {}), pause);
  }
  return {element, load, leave: () => { left = true; clearTimeout(timer); }};
}

/** A form that deploys a version; `done` is called afterwards, `failed` with an error. */
export function deployForm(model, version, done, failed) {
  const name = h('input', {type: 'text', id: 'deployment', value: model, autocomplete: 'off', spellcheck: 'false'});
  async function deploy(event) {
    event.preventDefault();
    try {
      await call('PUT', pathOf(name.value.trim()), JSON.stringify({model, version: String(version)}));
      announce(`version ${version} of ${model} is deployed as ${name.value.trim()}`);
      await done();
    } catch (error) { failed(error); }
  }
  return h('form', {class: 'bar actions', onsubmit: deploy}, h('label', {for: 'deployment'}, 'Deploy as'), name, h('button', null, 'Deploy'));
}
