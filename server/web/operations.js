// Work that the server does for a request: imports and evaluations.
import {call, getJson, listen} from './api.js';
import {announce, fill, h} from './dom.js';

const path = (id) => `/api/v1/operations/${id}`;
export const isOver = (operation) => ['Succeeded', 'Failed', 'Cancelled'].includes(operation.state);

/** Calls `look` with an operation whenever it changes, until it is over. Returns what ends that. */
export function follow(operation, look) {
  let due = 0;
  let ends = () => {};
  const take = (found) => {
    look(found);
    if (isOver(found)) ends();
  };
  // Events may be missed while the server is away.
  const ask = async () => {
    try { take(await getJson(path(operation.id))); } catch { /* it is asked again */ }
  };
  const stop = listen((message) => {
    if (message.kind === 'operation' && message.data.id === operation.id) take(message.data);
  });
  due = setInterval(ask, 2000);
  ends = () => { stop(); clearInterval(due); };
  take(operation);
  return ends;
}

/** What an operation does: a bar while it lives, the reason where it failed. */
export function operationView(operation, title, cancelled) {
  const failed = operation.state === 'Failed';
  const cancel = async (event) => {
    event.target.disabled = true;
    try { await call('DELETE', path(operation.id)); cancelled?.(); } catch { event.target.disabled = false; }
  };
  return h('div', {class: failed ? 'banner bad' : 'banner', role: failed ? 'alert' : null}, h('strong', null, title), ' ',
    failed ? operation.error : operation.state === 'Waiting' ? 'waits for its turn' : operation.step || operation.state.toLowerCase(), ' ',
    isOver(operation) ? null : [h('progress', {max: 1, value: operation.progress, 'aria-label': `Progress of ${title}`}), ' ',
      h('button', {onclick: cancel}, 'Cancel')]);
}

/** The operations of a kind that are not over, and those that failed within an hour: a list that keeps itself new. */
export function operationList(kind, changed) {
  const place = h('div');
  const followed = new Map();
  const views = new Map();
  const draw = () => fill(place, [...views.values()]);
  const take = (operation) => {
    const name = operation.target.split('/').slice(4).join(' ');
    const isRecent = Date.now() - Date.parse(operation.ended ?? operation.created) < 3600000;
    if (!isOver(operation) || (operation.state === 'Failed' && isRecent)) views.set(operation.id, operationView(operation, name));
    else views.delete(operation.id);
    if (isOver(operation) && followed.has(operation.id)) {
      announce(`${name}: ${operation.state}`);
      followed.delete(operation.id);
      changed();
    }
    draw();
  };
  async function load() {
    const {operations} = await getJson('/api/v1/operations');
    for (const one of operations.filter((each) => each.kind === kind).reverse()) {
      if (isOver(one)) take(one);
      else if (!followed.has(one.id)) { followed.set(one.id, () => {}); followed.set(one.id, follow(one, take)); }
    }
  }
  const stop = listen((message) => {
    if (message.kind === 'gap' || (message.kind === 'operation' && message.data.kind === kind && !followed.has(message.data.id))) load().catch(() => {});
  });
  return {element: place, load, leave: () => { stop(); for (const ends of followed.values()) ends?.(); }};
}
