// Tokens: who may ask this server, and what.
import {call, getJson, postJson} from './api.js';
import {clock, code, failure, fill, h, scrollable, showDialog} from './dom.js';

const scopes = [['submit', 'look, and submit, stop and delete jobs'], ['read', 'look'], ['admin', 'all, and make tokens']];

function showOnce(made) {
  const dialog = h('dialog', {'aria-labelledby': 'token-title'}, h('h2', {id: 'token-title'}, `Token ${made.name}`),
    h('p', null, 'Copy it now: it is not shown again.'), code(made.token),
    h('form', {method: 'dialog', class: 'bar'}, h('button', {class: 'primary'}, 'Done')));
  showDialog(dialog);
}

/** A part of a page; it stays empty for a token that may not see the others. */
export function tokensPart() {
  const place = h('div');
  const problem = h('div');
  const attempt = async (work) => {
    fill(problem);
    try { await work(); await load(); } catch (error) { fill(problem, failure(error)); }
  };
  const name = h('input', {id: 'token-name', required: true, maxlength: 63, autocomplete: 'off', spellcheck: 'false'});
  const scope = h('select', {id: 'token-scope'}, scopes.map(([value, text]) => h('option', {value}, `${value}: ${text}`)));
  const form = h('form', {class: 'bar below', onsubmit: (event) => {
    event.preventDefault();
    attempt(async () => {
      showOnce(await postJson('/api/v1/tokens', JSON.stringify({name: name.value.trim(), scope: scope.value})));
      name.value = '';
    });
  }}, h('label', {for: 'token-name'}, 'Name'), name, h('label', {for: 'token-scope'}, 'may'), scope, h('button', null, 'Make a token'));
  const remove = (one) => {
    if (confirm(`Let ${one.name} in no more?`)) attempt(() => call('DELETE', `/api/v1/tokens/${one.id}`));
  };
  const row = (one) => h('tr', null, h('td', null, one.name), h('td', null, one.session ? 'a browser' : 'a program'), h('td', null, one.scope),
    h('td', null, clock(one.created)), h('td', null, one.expires ? clock(one.expires) : 'never'),
    h('td', null, one.name === 'owner' && !one.session ? h('small', null, 'in the file token')
      : h('button', {class: 'danger', 'aria-label': `Delete the token ${one.name}`, onclick: () => remove(one)}, 'Delete')));

  async function load() {
    const {tokens} = await getJson('/api/v1/tokens');
    const heads = ['Name', 'Of', 'May', 'Made', 'Ends', ''].map((text) => h(text ? 'th' : 'td', text ? {scope: 'col'} : null, text));
    fill(place, h('h2', null, 'Tokens'),
      scrollable('Tokens', h('table', null, h('thead', null, h('tr', null, heads)), h('tbody', null, tokens.map(row)))), form, problem);
  }
  return {element: place, load: () => load().catch((error) => { if (error.status !== 403) throw error; })};
}
