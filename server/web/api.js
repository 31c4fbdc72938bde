// Requests, and the one event stream that all tabs of a browser share: a browser opens six
// connections to a server, so a stream for each tab would stop the seventh.

export class ApiError extends Error {
  constructor(status, body) {
    super(body.detail ?? `the server answered ${status}`);
    this.status = status;
    this.errors = body.errors ?? [];
  }
}

let signedOut = () => {};
export const onSignedOut = (work) => { signedOut = work; };

export async function call(method, path, body, type) {
  let answer;
  try {
    answer = await fetch(path, {
      method, body, headers: body === undefined ? {} : {'Content-Type': type ?? 'application/json'},
    });
  } catch {
    throw new ApiError(0, {detail: 'The server does not answer. Jobs live on without it.'});
  }
  if (answer.ok) return answer;
  const problem = await answer.json().catch(() => ({}));
  if (answer.status === 401 && path !== '/api/v1/session') signedOut();
  throw new ApiError(answer.status, problem);
}

export const getJson = async (path) => (await call('GET', path)).json();
export const postJson = async (path, body, type) => (await call('POST', path, body, type)).json();
export const jobPath = (name) => `/api/v1/jobs/${encodeURIComponent(name)}`;

const kinds = ['job', 'started', 'step', 'epoch', 'ranks', 'checkpoint', 'end', 'operation', 'gap'];
const listeners = new Set();
const channel = 'BroadcastChannel' in window ? new BroadcastChannel('ringtrain-events') : null;
let begun = false;
let wasCut = false;  // events may have been missed since

function pass(message) {
  for (const listener of listeners) listener(message);
}

function share(message) {
  pass(message);
  channel?.postMessage(message);
}

function open() {
  const source = new EventSource('/api/v1/events');
  for (const kind of kinds) {
    source.addEventListener(kind, (event) => share({kind, ...JSON.parse(event.data)}));
  }
  source.onopen = () => {
    share({kind: 'link', up: true});
    if (wasCut) share({kind: 'gap', why: 'the server was away'});
    wasCut = false;
  };
  source.onerror = () => {
    wasCut = true;
    if (source.readyState !== EventSource.CLOSED) return share({kind: 'link', up: false});
    // A browser gives up for good where it got an answer that is no stream, as after signing out.
    setTimeout(open, 2000);
    return fetch('/healthz').then((answer) => answer.ok, () => false).then((up) => share({kind: 'link', up}));
  };
}

/** Calls `listener` with {kind, job, data} of every change. Returns what ends that. */
export function listen(listener) {
  listeners.add(listener);
  if (!begun) {
    begun = true;
    channel?.addEventListener('message', (event) => pass(event.data));
    // The lock is kept while the tab lives; another one takes over then.
    if (navigator.locks && channel) navigator.locks.request('ringtrain-events', () => { open(); return new Promise(() => {}); });
    else open();
  }
  return () => listeners.delete(listener);
}
