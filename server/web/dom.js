// Elements and the few formats that all pages share.

/** h('a', {href: '/ui/', class: 'x', onclick: f}, 'text', element, [more]) */
export function h(tag, properties, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties ?? {})) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith('on')) element.addEventListener(name.slice(2), value);
    else if (name === 'value' || name === 'checked') element[name] = value;
    else element.setAttribute(name, value === true ? '' : String(value));
  }
  append(element, children);
  return element;
}

function append(element, children) {
  for (const child of children) {
    if (Array.isArray(child)) append(element, child);
    else if (child !== null && child !== undefined && child !== false) element.append(child);
  }
}

export function fill(element, ...children) {
  element.replaceChildren();
  append(element, children);
  return element;
}

/** What is wider than a narrow window scrolls by itself, also by keys. */
export const scrollable = (label, ...children) =>
  h('div', {class: 'scroll', tabindex: 0, role: 'region', 'aria-label': label}, children);
export const code = (text) => h('pre', {tabindex: 0}, text);

/** A dialog that is gone once it is closed. */
export function showDialog(dialog) {
  document.body.append(dialog);
  dialog.addEventListener('close', () => dialog.remove());
  dialog.showModal();
  return dialog;
}

export const announce = (text) => { document.getElementById('announce').textContent = text; };

const dash = '–';
const group = new Intl.NumberFormat('en');

export const count = (value) => Number.isFinite(value) ? group.format(Math.round(value)) : dash;
export const percent = (value) => Number.isFinite(value) ? `${(100 * value).toFixed(2)}%` : dash;

export function figure(value) {
  if (!Number.isFinite(value)) return dash;
  const size = Math.abs(value);
  if (size !== 0 && (size < 0.001 || size >= 1e6)) return value.toExponential(2);
  return size >= 100 ? value.toFixed(1) : value.toPrecision(4).replace(/\.?0+$/, '');
}

export function duration(seconds) {
  if (!Number.isFinite(seconds) || seconds < 0) return dash;
  const whole = Math.round(seconds);
  if (whole < 60) return `${whole} s`;
  const minutes = Math.floor(whole / 60);
  if (minutes < 60) return `${minutes} min ${whole % 60} s`;
  if (minutes < 2880) return `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
  return `${Math.floor(minutes / 1440)} d ${Math.floor(minutes / 60) % 24} h`;
}

export function bytes(value) {
  for (const unit of ['B', 'KiB', 'MiB', 'GiB']) {
    if (value < 1024) return `${value < 10 && unit !== 'B' ? value.toFixed(1) : Math.round(value)} ${unit}`;
    value /= 1024;
  }
  return `${value.toFixed(1)} TiB`;
}

const since = (time) => (Date.now() - Date.parse(time)) / 1000;
export function age(time) {
  const seconds = Math.max(0, since(time));
  if (seconds < 90) return 'just now';
  if (seconds < 5400) return `${Math.round(seconds / 60)} min ago`;
  return seconds < 129600 ? `${Math.round(seconds / 3600)} h ago` : `${Math.round(seconds / 86400)} d ago`;
}
export const clock = (time) => new Date(time).toLocaleString();

// A state is an icon and a word, never a colour alone.
const states = {
  Queued: ['wait', '◷'], Starting: ['live', '◌'], Running: ['live', '●'], Restarting: ['wait', '↻'],
  Finishing: ['live', '●'], Suspending: ['wait', '◍'], Suspended: ['wait', '‖'], Succeeded: ['good', '✓'],
  Failed: ['bad', '✕'], Deleting: ['wait', '◍'], Deleted: ['wait', '✕'],
};

export function stateBadge(state) {
  const [kind, icon] = states[state] ?? ['wait', '?'];
  return h('span', {class: `state ${kind}`}, h('span', {class: 'dot', 'aria-hidden': 'true'}, icon), state);
}

export const isLive = (state) => ['Starting', 'Running', 'Restarting', 'Finishing', 'Suspending'].includes(state);
export const canStop = (state) => ['Queued', 'Starting', 'Running', 'Restarting', 'Finishing'].includes(state);
export const canFinish = (state) => ['Starting', 'Running', 'Restarting'].includes(state);
export const canScale = (state) => ['Queued', 'Starting', 'Running', 'Restarting', 'Suspended', 'Failed'].includes(state);
export const canResume = (state) => ['Suspended', 'Failed'].includes(state);

export function failure(error, again) {
  return h('div', {class: 'banner bad', role: 'alert'}, h('strong', null, 'This did not work. '), error.message, ' ',
    again ? h('button', {onclick: again}, 'Try again') : null);
}
