// The REST interface, from /openapi.json.
import {code, fill, h, scrollable} from './dom.js';
import {getJson} from './api.js';

export async function docsPage(main) {
  const description = await getJson('/openapi.json');
  const rows = Object.entries(description.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, one]) => ({path, method: method.toUpperCase(), one})));
  const row = ({path, method, one}) => h('tr', null,
    h('td', {class: 'mono'}, h('strong', null, method), ' ', path),
    h('td', null, one.summary, (one.parameters ?? []).filter((each) => each.in === 'query').map((each) =>
      h('div', null, h('small', null, h('code', null, each.name), ` ${each.description}`)))),
    h('td', null, Object.entries(one.responses).filter(([code]) => code !== 'default').map(([code, answer]) =>
      h('div', null, h('small', null, `${code}: ${answer.description}`)))));
  fill(main, h('h1', null, 'API'),
    h('p', null, 'Everything that these pages do, programs can do. ', h('a', {href: '/openapi.json'}, 'openapi.json'), ' describes it for generators; ',
      h('a', {href: '/docs'}, 'Swagger UI'), ' sends requests from here.'),
    code(`export TOKEN=$(ringtrain server token)\ncurl -H "Authorization: Bearer $TOKEN" ${location.origin}/api/v1/jobs`),
    scrollable('Requests', h('table', null, h('thead', null, h('tr', null, ['Request', 'What it does', 'Answer'].map((text) => h('th', {scope: 'col'}, text)))),
      h('tbody', null, rows.map(row)))));
  return {};
}
