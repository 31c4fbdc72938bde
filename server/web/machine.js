// The machine: its cores, who uses them, who waits.
import {getJson, listen} from './api.js';
import {age, bytes, fill, h, scrollable} from './dom.js';
import {tokensPart} from './tokens.js';

const head = (...texts) => h('thead', null, h('tr', null, texts.map((text) => h('th', {scope: 'col'}, text))));

// Nodes of a cluster with the pods of jobs on each; pods that wait for one come last.
function nodes(cluster) {
  const rows = [...cluster.nodes].sort((a, b) => !a.node - !b.node).flatMap(({node, pods}) => pods.map((pod) => h('tr', null,
    h('td', null, node || 'not on a node yet'), h('td', null, pod.pod), h('td', null, link(pod.job)), h('td', null, pod.role),
    h('td', null, pod.state), h('td', null, pod.why))));
  return [h('h2', null, `Nodes of namespace ${cluster.namespace}`), rows.length === 0 ? h('div', {class: 'empty'}, 'No pod of a job is there.')
    : scrollable('Nodes', h('table', null, head('Node', 'Pod', 'Job', 'Role', 'State', 'Why'), h('tbody', null, rows)))];
}

const link = (name) => h('a', {href: `/ui/jobs/${encodeURIComponent(name)}`}, name);

const statuses = {ok: ['good', '✓', 'Fine'], missing: ['wait', '–', 'Not there'], bad: ['bad', '✕', 'Bad']};

function finding({what, status, found, advice}) {
  const [kind, icon, word] = statuses[status] ?? ['wait', '?', status];
  return h('tr', null, h('th', {scope: 'row'}, what),
    h('td', null, h('span', {class: `state ${kind}`}, h('span', {class: 'dot', 'aria-hidden': 'true'}, icon), word)),
    h('td', null, found, advice ? h('div', {class: 'why'}, advice) : null));
}

// What `ringtrain doctor` says. The server runs it when this page asks, which takes seconds.
function checkPart() {
  const place = h('div', null, h('p', {class: 'muted'}, 'This machine is being checked…'));
  let due = 0;
  async function load() {
    const check = await getJson('/api/v1/system/check');
    if (check.running) due = setTimeout(() => load().catch(() => {}), 1000);
    if (!check.checked) return;
    fill(place, check.error ? h('p', {class: 'error'}, check.error)
      : [h('p', null, check.can_train ? 'A run on CPU works here. ' : 'A run on CPU does not work until what is bad is mended. ',
        h('span', {class: 'muted'}, `Checked ${age(check.checked)}, as `, h('code', null, 'ringtrain doctor'), ' does.')),
      scrollable('Check of this machine', h('table', null, head('What', 'State', 'Found'), h('tbody', null, check.findings.map(finding))))]);
  }
  return {element: h('section', null, h('h2', null, 'Check'), place), load, leave: () => clearTimeout(due)};
}

export async function machinePage(main) {
  const place = h('div');
  let isHere = false;  // jobs run on this machine
  async function load() {
    const system = await getJson('/api/v1/system');
    isHere = !system.cluster;
    const users = system.running.flatMap((one) => Array(one.cores).fill(one.job));
    const cores = Array.from({length: Math.max(system.cores, users.length)}, (_, i) => users[i]);
    const here = () => [h('h2', null, `Cores: ${system.busy_cores} of ${system.cores} in use`),
      h('div', {class: 'cores'}, cores.map((job, i) => h('div', {class: job ? 'core busy' : 'core'},
        h('small', null, `core ${i + 1}`), h('div', null, job ? link(job) : 'free'))))];
    fill(place, system.cluster ? nodes(system.cluster) : here(),
      h('h2', null, 'Queue'), system.waiting.length === 0 ? h('div', {class: 'empty'}, 'No job waits.')
        : scrollable('Queue', h('table', null, head('Place', 'Job', 'Cores', 'Why'),
          h('tbody', null, system.waiting.sort((a, b) => a.position - b.position).map((one) => h('tr', null,
            h('td', null, one.position), h('td', null, link(one.job)), h('td', null, one.cores), h('td', null, one.why)))))),
      h('h2', null, 'Disk'), h('p', null, `${bytes(system.disk_free_bytes)} are free below `, h('code', null, system.folder), '.'),
      system.cluster ? null : h('p', null, 'Jobs may read ', system.data.map((folder, i) => [i ? ', ' : '', h('code', null, folder)]), '.'));
  }
  const tokens = tokensPart();
  const check = checkPart();
  await Promise.all([load(), tokens.load()]);
  fill(main, h('h1', null, 'Machine'), place, isHere ? check.element : null, tokens.element);
  if (isHere) check.load().catch(() => {});
  let due = 0;
  const stop = listen((message) => {
    if (['job', 'end', 'gap'].includes(message.kind)) due ||= setTimeout(() => { due = 0; load().catch(() => {}); }, 500);
  });
  return {leave: () => { stop(); check.leave(); clearTimeout(due); }};
}
