// SPDX-License-Identifier: Apache-2.0
// Draw on a board, by pointer or by keyboard, or open an image; see what the model makes of it.

const CELLS = 28;           // steps of the keyboard's cursor across the board
const STROKE = 22;          // pixels of the board, as thick as MNIST's lines are
const get = (id) => document.getElementById(id);
const board = get('board');
const ink = new OffscreenCanvas(board.width, board.height);  // what is drawn, without the cursor
const pen = ink.getContext('2d');
const view = board.getContext('2d');
const cell = board.width / CELLS;

let models = [];
let model = null;
let cursor = { x: CELLS / 2, y: CELLS / 2 };
let is_keyboard = false;    // the cursor is shown
let is_empty = true;
let last = null;            // of a stroke
let asked = 0;              // requests so far: only the latest one's answer is shown
let timer = null;

function show() {
  view.drawImage(ink, 0, 0);
  if (!is_keyboard || document.activeElement !== board) return;
  view.lineWidth = 2;
  view.strokeStyle = '#ffb000';
  view.strokeRect(cursor.x * cell - 8, cursor.y * cell - 8, 16, 16);
}

function clear() {
  pen.fillStyle = '#000';
  pen.fillRect(0, 0, ink.width, ink.height);
  is_empty = true;
  asked += 1;
  clearTimeout(timer);
  get('table').hidden = true;
  get('seen-figure').hidden = true;
  get('best').textContent = 'Nothing is drawn yet.';
  get('message').textContent = '';
  show();
}

function line(from, to, colour = '#fff') {
  pen.lineCap = 'round';
  pen.lineWidth = STROKE;
  pen.strokeStyle = colour;
  pen.beginPath();
  pen.moveTo(from.x, from.y);
  pen.lineTo(to.x + 0.01, to.y);  // a line without length is not drawn
  pen.stroke();
  is_empty = false;
  show();
  ask_soon();
}

function ask_soon() {
  clearTimeout(timer);
  timer = setTimeout(async () => {
    if (!is_empty) predict(await ink.convertToBlob({ type: 'image/png' }), true);
  }, 150);
}

const percent = (share) => `${(100 * share).toFixed(1)}%`;

function show_rows(rows) {
  get('rows').replaceChildren(...rows.map(({ name, text, share }, index) => {
    const row = document.createElement('tr');
    row.className = index === 0 ? 'first' : '';
    const cells = [name, text].map((content) => {
      const one = document.createElement('td');
      one.textContent = content;
      return one;
    });
    cells[1].className = 'num';
    const graph = document.createElement('td');
    graph.className = 'graph';
    if (share !== undefined) {
      const bar = document.createElement('progress');
      bar.max = 1;
      bar.value = share;
      bar.setAttribute('aria-label', `${name}: ${text}`);
      graph.append(bar);
    }
    row.append(...cells, graph);
    return row;
  }));
  get('table').hidden = false;
}

function show_seen({ shape: [channels, height, width], pixels }) {
  const bytes = Uint8Array.from(atob(pixels), (c) => c.charCodeAt(0));
  const seen = get('seen');
  seen.width = width;
  seen.height = height;
  const image = new ImageData(width, height);
  for (let i = 0; i < width * height; i += 1) {
    for (let c = 0; c < 3; c += 1) image.data[4 * i + c] = bytes[(channels === 3 ? c : 0) * width * height + i];
    image.data[4 * i + 3] = 255;
  }
  seen.getContext('2d').putImageData(image, 0, 0);
  get('seen-figure').hidden = false;
}

function show_answer(answer) {
  get('message').textContent = '';
  if (answer.classes) {
    show_rows(answer.classes.map((one) => ({ name: one.class, text: percent(one.probability), share: one.probability })));
    get('best').textContent = `${answer.classes[0].class}, ${percent(answer.classes[0].probability)}`;
  } else {
    show_rows(answer.targets.map((one) => ({ name: one.target, text: one.value.toPrecision(5) })));
    get('best').textContent = answer.targets.map((one) => `${one.target} ${one.value.toPrecision(5)}`).join(', ');
  }
  show_seen(answer.seen);
}

async function predict(image, is_drawn) {
  asked += 1;
  const own = asked;
  const query = new URLSearchParams({ model: model.name, seen: '1', drawn: is_drawn ? '1' : '0' });
  let text = '';
  let answer = null;
  try {
    const response = await fetch(`/predict?${query}`, { method: 'POST', body: image, headers: { 'X-Timeout-Ms': '5000' } });
    answer = await response.json();
    if (!response.ok) text = answer.error;
  } catch (error) {
    text = 'The server does not answer.';
  }
  if (own !== asked) return;
  if (text) get('message').textContent = text;
  else show_answer(answer);
}

async function open_image(file) {
  if (!file || !file.type.startsWith('image/')) {
    get('message').textContent = 'Only PNG and JPEG images can be opened.';
    return;
  }
  clear();
  get('best').textContent = file.name || 'Image';
  try {
    const bitmap = await createImageBitmap(file);
    const scale = Math.min(ink.width / bitmap.width, ink.height / bitmap.height);
    const width = bitmap.width * scale;
    const height = bitmap.height * scale;
    pen.drawImage(bitmap, (ink.width - width) / 2, (ink.height - height) / 2, width, height);
    show();
  } catch (error) { /* the server says what is wrong with it */ }
  predict(file, false);
}

function choose(name) {
  model = models.find((one) => one.name === name);
  const [, channels, height, width] = model.inputs[0].shape;
  const names = model.parameters.class_names ?? model.parameters.targets;
  const is_image = model.inputs[0].datatype === 'UINT8' && (channels === 1 || channels === 3);
  get('title').textContent = is_image && channels === 1 ? `Draw for ${name}` : name;
  const listed = names.slice(0, 12).join(', ') + (names.length > 12 ? ', …' : '');
  get('what').textContent = `Version ${model.versions[0]}; ${width} × ${height} pixels, ` +
    `${channels === 1 ? 'grey' : `${channels} channels`}; ${model.parameters.class_names ? 'classes' : 'targets'}: ${listed}`;
  if (!is_image) get('what').textContent = `Version ${model.versions[0]}. This model takes no images: use the REST interface.`;
  get('work').hidden = !is_image;
  get('link').href = `/v2/models/${encodeURIComponent(name)}`;
  clear();
}

const at = (event) => {
  const box = board.getBoundingClientRect();
  return { x: (event.clientX - box.left) * board.width / box.width, y: (event.clientY - box.top) * board.height / box.height };
};

board.addEventListener('pointerdown', (event) => {
  board.setPointerCapture(event.pointerId);
  is_keyboard = false;
  last = at(event);
  line(last, last);
});
board.addEventListener('pointermove', (event) => {
  if (!last) return;
  const next = at(event);
  line(last, next);
  last = next;
});
for (const kind of ['pointerup', 'pointercancel']) board.addEventListener(kind, () => { last = null; });

const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
const place = () => ({ x: cursor.x * cell, y: cursor.y * cell });

board.addEventListener('keydown', (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const step = ARROWS[event.key];
  is_keyboard = true;
  if (step) {
    const from = place();
    cursor = { x: Math.min(CELLS, Math.max(0, cursor.x + step[0])), y: Math.min(CELLS, Math.max(0, cursor.y + step[1])) };
    if (event.shiftKey) line(from, place());
    show();
  } else if (event.key === ' ') {
    line(place(), place());
  } else if (event.key === 'Backspace') {
    line(place(), place(), '#000');
  } else if (event.key === 'Delete') {
    clear();
  } else {
    return;
  }
  event.preventDefault();
});
for (const kind of ['focus', 'blur']) board.addEventListener(kind, show);

get('clear').addEventListener('click', clear);
get('file').addEventListener('change', (event) => {
  if (event.target.files.length > 0) open_image(event.target.files[0]);
  event.target.value = '';
});
document.addEventListener('paste', (event) => {
  if (event.clipboardData.files.length > 0) open_image(event.clipboardData.files[0]);
});
board.addEventListener('dragover', (event) => { event.preventDefault(); board.classList.add('over'); });
board.addEventListener('dragleave', () => board.classList.remove('over'));
board.addEventListener('drop', (event) => {
  event.preventDefault();
  board.classList.remove('over');
  open_image(event.dataTransfer.files[0]);
});
get('model').addEventListener('change', (event) => choose(event.target.value));

try {
  models = (await (await fetch('/page/models')).json()).models;
  get('model').replaceChildren(...models.map((one) => new Option(one.name, one.name)));
  get('model-label').hidden = models.length < 2;
  choose(models[0].name);
} catch (error) {
  get('message').textContent = 'The server does not answer: open the page again when it runs.';
}
