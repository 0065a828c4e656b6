// What the page holds, and what the reader has chosen.

const data = JSON.parse(document.getElementById('data').textContent);
const $ = (id) => document.getElementById(id);

// The packed text as bytes: base64, then zlib.
async function unpacked(text) {
  const bytes = Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream('deflate'));
  return new Response(stream).arrayBuffer();
}

// The drawn cells: typed arrays under the names that they have in the data.
const cells = {n: data.cells.n, genes: new Map()};

async function unpackCells() {
  const packed = data.cells;
  const [x, y, tips, depth, rows] = await Promise.all([packed.x, packed.y, packed.tips, packed.depth, packed.rows].map(unpacked));
  cells.x = new Uint16Array(x);
  cells.y = new Uint16Array(y);
  cells.tips = new Uint16Array(tips);
  cells.depth = new Uint32Array(depth);
  cells.rows = new Uint32Array(rows);
  cells.confidence = packed.confidence && new Uint8Array(await unpacked(packed.confidence));
  cells.distance = packed.distance && new Uint8Array(await unpacked(packed.distance));
  cells.names = packed.names && new TextDecoder().decode(await unpacked(packed.names)).split('\n');
  cells.columns = await Promise.all(packed.columns.map(async (column) => ({
    title: column.title, levels: column.levels, codes: new Uint8Array(await unpacked(column.codes)),
  })));
}

// The expression of a gene in the drawn cells, unpacked when it is first asked for.
async function geneValues(place) {
  if (!cells.genes.has(place)) {
    cells.genes.set(place, new Uint8Array(await unpacked(data.genes[place].values)));
  }
  return cells.genes.get(place);
}

// k: number of clusters that the tree is cut into; colour: what cells are coloured by; chosen: {tips: Set, title, node?} or
// {column, level, title} or null.
const state = {k: 0, colour: 'cluster', chosen: null};
const listeners = [];

// What is set up once the cells are unpacked, what is drawn again in another theme, and further lines of a cell's tip.
const parts = [];
const repaints = [];
const tipLines = [];

// Cells of the model that new cells are shown beside; a run has none.
const isBackground = (cell) => cells.tips[cell] === data.background;

// What groups of cells are called: labels have names, clusters have numbers.
const nameOf = (cluster) => (data.names ? data.names[cluster] : `${cluster}`);
const titled = (name) => (data.names ? name : `Cluster ${name}`);

function change(part) {
  Object.assign(state, part);
  for (const listener of listeners) listener(part);
}

// An element with attributes and children; texts stay texts, whatever they hold.
function element(name, attributes = {}, ...children) {
  return filled(document.createElement(name), attributes, children);
}

function shape(name, attributes = {}, ...children) {
  return filled(document.createElementNS('http://www.w3.org/2000/svg', name), attributes, children);
}

function filled(node, attributes, children) {
  for (const [key, value] of Object.entries(attributes)) {
    if (value !== null && value !== undefined) node.setAttribute(key, value);
  }
  node.append(...children);
  return node;
}

// Makes a drawn shape a button: mouse, Enter and space.
function pressable(node, label, act, focusable = true) {
  node.setAttribute('class', `${node.getAttribute('class') || ''} clickable`.trim());
  node.setAttribute('role', 'button');
  node.setAttribute('aria-label', label);
  if (focusable) node.setAttribute('tabindex', '0');
  node.addEventListener('click', act);
  node.addEventListener('keydown', (event) => {
    if (event.key === 'Enter' || event.key === ' ') {
      event.preventDefault();
      act();
    }
  });
  return node;
}

const whole = (n) => n.toLocaleString('en');
const percent = (share) => (share > 0 && share < 0.01 ? `${(100 * share).toFixed(1)}\u00a0%` : `${Math.round(100 * share)}\u00a0%`);
const counted = (n, one, many) => `${whole(n)} ${n === 1 ? one : many}`;
const cssColour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
