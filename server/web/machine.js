// The machine: its cores, who uses them, who waits.
import {getJson, listen} from './api.js';
import {bytes, fill, h, scrollable} from './dom.js';
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

export async function machinePage(main) {
  const place = h('div');
  async function load() {
    const system = await getJson('/api/v1/system');
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
  await Promise.all([load(), tokens.load()]);
  fill(main, h('h1', null, 'Machine'), place, tokens.element);
  let due = 0;
  const stop = listen((message) => {
    if (['job', 'end', 'gap'].includes(message.kind)) due ||= setTimeout(() => { due = 0; load().catch(() => {}); }, 500);
  });
  return {leave: () => { stop(); clearTimeout(due); }};
}
