// A line chart as SVG: mean lines over the band of smallest and largest values, so that no spike is lost.
import {clock, figure, fill, h, scrollable} from './dom.js';

const W = 560, H = 236, LEFT = 56, RIGHT = 20, TOP = 8, BOTTOM = 26;

function svg(tag, properties, ...children) {
  const element = document.createElementNS('http://www.w3.org/2000/svg', tag);
  for (const [name, value] of Object.entries(properties)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}

function ticks(low, high, most) {
  const rough = (high - low) / most;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((factor) => factor * power).find((one) => one >= rough);
  const found = [];
  for (let at = Math.ceil(low / step) * step; at <= high + step * 1e-9; at += step) found.push(Math.abs(at) < step * 1e-9 ? 0 : at);
  return found;
}

function logTicks(low, high) {
  const found = [];
  for (let power = Math.floor(Math.log10(low)); power <= Math.ceil(Math.log10(high)); power += 1) {
    for (const factor of high / low > 100 ? [1] : [1, 2, 5]) {
      const at = factor * 10 ** power;
      if (at >= low * 0.999 && at <= high * 1.001) found.push(at);
    }
  }
  return found.length < 3 ? ticks(low, high, 4) : found;  // less than a decade
}

const short = (value) => {
  const size = Math.abs(value);
  if (size >= 1e6) return `${+(value / 1e6).toPrecision(3)}M`;
  if (size >= 1e4) return `${+(value / 1e3).toPrecision(3)}k`;
  return size !== 0 && size < 1e-3 ? value.toExponential(0) : String(+value.toPrecision(4));
};

// The smallest and the largest of what get(line) has, of all lines.
function range(lines, get) {
  let low = Infinity, high = -Infinity;
  for (const line of lines) {
    for (const value of get(line)) { if (value < low) low = value; if (value > high) high = value; }
  }
  return [low, high];
}

// "x,y x,y": to a tenth of a unit, which is less than a pixel.
const tenth = (value) => Math.round(10 * value) / 10;
function pointsOf(xs, ys) {
  let text = '';
  for (let i = 0; i < xs.length; i += 1) text += `${tenth(xs[i])},${tenth(ys[i])} `;
  return text;
}

// Round steps of time: seconds up to two minutes, then minutes, then hours.
const timeUnit = (seconds) => seconds < 120 ? [1, 's'] : seconds < 7200 ? [60, 'min'] : [3600, 'h'];

// A line is told apart by its colour and its dashes: 21 pairs.
export const lineStyle = (index) => `k${index % 7} d${index % 3}`;
const kMostBands = 4;

export function chart({title, names, format = figure, log = false, percentAxis = false}) {
  let data = {};
  // epochOf(step, name); ownStart: each line's time counts from its own first point.
  let options = {x: 'step', epochOf: (step) => step, marks: [], ownStart: false};
  let asTable = false;
  const place = h('div');
  const legend = h('div', {class: 'legend'});
  const button = h('button', {class: 'plain', onclick: () => { asTable = !asTable; draw(); }}, 'As table');
  const element = h('figure', null, h('figcaption', null, h('span', null, title), button), place, legend);

  function lines() {
    const starts = options.ownStart ? [] : Object.values(data).filter((one) => one.time.length).map((one) => one.time[0]);
    return names.map(([name, label], index) => {
      const one = data[name];
      if (!one || one.step.length === 0) return null;
      const start = options.ownStart ? one.time[0] : Math.min(...starts);
      const xs = one.step.map((step, i) => options.x === 'time' ? one.time[i] - start
        : options.x === 'epoch' ? options.epochOf(step, name) : step);
      return {label, index, xs, one};
    }).filter(Boolean);
  }

  function table(all) {
    const [line] = all;
    return scrollable(title, all.map((each) => h('table', null,
      h('thead', null, h('tr', null, [options.x, each.label, 'min', 'max', 'time'].map((text) => h('th', {scope: 'col'}, text)))),
      h('tbody', null, each.xs.map((x, i) => h('tr', null, [figure(x), format(each.one.mean[i]), format(each.one.min[i]),
        format(each.one.max[i]), clock(1000 * each.one.time[i])].map((text) => h('td', null, text))))))), line ? null : 'No points yet.');
  }

  function draw() {
    const all = lines();
    button.textContent = asTable ? 'As chart' : 'As table';
    fill(legend, all.map((line) => h('span', {class: lineStyle(line.index)}, h('i'), `${line.label} ${format(line.one.last.at(-1))}`)));
    if (all.length === 0) return void fill(place, h('p', {class: 'muted'}, 'No points yet.'));
    if (asTable) return void fill(place, table(all));
    let [low, high] = [range(all, (line) => line.one.min)[0], range(all, (line) => line.one.max)[1]];
    let [first, last] = range(all, (line) => line.xs);
    const useLog = log && low > 0;
    if (first === last) { first -= 0.5; last += 0.5; }
    if (low === high) { const pad = Math.abs(low) * 0.1 || 1; if (useLog) { low /= 1.5; high *= 1.5; } else { low -= pad; high += pad; } }
    if (percentAxis) { low = Math.max(0, low); high = Math.min(1, high); }
    const scale = useLog ? Math.log10 : (value) => value;
    const px = (x) => LEFT + (W - LEFT - RIGHT) * (x - first) / (last - first);
    const bottom = scale(low);
    const height = (H - TOP - BOTTOM) / (scale(high) - bottom || 1);
    const py = (y) => H - BOTTOM - height * (scale(y) - bottom);
    const plot = svg('svg', {class: 'plot', viewBox: `0 0 ${W} ${H}`, role: 'img', 'aria-label': summary(all)});
    for (const y of useLog ? logTicks(low, high) : ticks(low, high, 5)) {
      plot.append(svg('line', {class: 'grid', x1: LEFT, x2: W - RIGHT, y1: py(y), y2: py(y)}),
        svg('text', {x: LEFT - 6, y: py(y) + 4, 'text-anchor': 'end'}, percentAxis ? `${short(100 * y)}%` : short(y)));
    }
    const [unit, unitName] = options.x === 'time' ? timeUnit(last - first) : [1, ''];
    for (const x of ticks(first / unit, last / unit, 6)) {
      if (options.x === 'step' && !Number.isInteger(x)) continue;
      plot.append(svg('text', {x: px(x * unit), y: H - 8, 'text-anchor': 'middle'}, `${short(x)}${unitName ? ` ${unitName}` : ''}`));
    }
    if (options.x === 'step') {
      for (const mark of options.marks) {
        if (mark >= first && mark <= last) plot.append(svg('line', {class: 'mark', x1: px(mark), x2: px(mark), y1: TOP, y2: H - BOTTOM}));
      }
    }
    for (const {index, xs: at, one} of all) {
      const across = at.map(px);
      if (all.length <= kMostBands) {
        const points = pointsOf(across, one.max.map(py)) + pointsOf([...across].reverse(), one.min.map(py).reverse());
        plot.append(svg('polygon', {class: `band ${lineStyle(index)}`, points}));
      }
      plot.append(svg('polyline', {class: `line ${lineStyle(index)}`, points: pointsOf(across, one.mean.map(py))}));
      if (at.length < 40) at.forEach((x, i) => plot.append(svg('circle', {class: lineStyle(index), cx: px(x), cy: py(one.mean[i]), r: 2.2})));
    }
    follow(plot, all, px, first, last);
    fill(place, plot);
    return undefined;
  }

  function follow(plot, all, px, first, last) {
    const cursor = svg('line', {class: 'cursor', y1: TOP, y2: H - BOTTOM, visibility: 'hidden'});
    plot.append(cursor);
    plot.addEventListener('pointermove', (event) => {
      const box = plot.getBoundingClientRect();
      const x = first + (last - first) * ((event.clientX - box.left) * W / box.width - LEFT) / (W - LEFT - RIGHT);
      cursor.setAttribute('visibility', 'visible');
      let shown = x;
      fill(legend, all.map((line) => {
        let best = 0;
        line.xs.forEach((at, i) => { if (Math.abs(at - x) < Math.abs(line.xs[best] - x)) best = i; });
        shown = line.xs[best];
        return h('span', {class: lineStyle(line.index)}, h('i'), `${line.label} ${format(line.one.mean[best])} at ${options.x} ${figure(shown)}`);
      }));
      cursor.setAttribute('x1', px(shown));
      cursor.setAttribute('x2', px(shown));
    });
    plot.addEventListener('pointerleave', draw);
  }

  function summary(all) {
    return `${title}: ${all.map(({label, one}) => `${label} from ${format(one.mean[0])} to ${format(one.last.at(-1))}, `
      + `smallest ${format(Math.min(...one.min))}, largest ${format(Math.max(...one.max))}`).join('; ')}`;
  }

  return {element, hasPoints: () => lines().length > 0, update(series, changed) { data = series; options = {...options, ...changed}; draw(); }};
}
