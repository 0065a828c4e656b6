// The map: pan, zoom, hover, select.

const UNITS = 65535;
const map = {view: {x: 0, y: 0, scale: 1}, whole: 1, colouring: null, colours: null, lit: null, waiting: false};

function setUpMap() {
  const canvas = $('map');
  map.canvas = canvas;
  map.context = canvas.getContext('2d');
  new ResizeObserver(() => { fitCanvas(); showWhole(); }).observe(canvas);
  listeners.push(async (part) => {
    if ('k' in part) map.middles = middlesOfGroups();
    if ('colour' in part || 'k' in part) await recolour();
    if ('chosen' in part || 'k' in part) relight();
    redraw();
  });
  listenToPointer(canvas);
  canvas.addEventListener('keydown', moveByKey);
  $('zoom-in').addEventListener('click', () => zoom(1.5));
  $('zoom-out').addEventListener('click', () => zoom(1 / 1.5));
  $('whole').addEventListener('click', showWhole);
  $('clear').addEventListener('click', () => change({chosen: null}));
}

// The canvas has as many pixels as the screen, so that points are sharp.
function fitCanvas() {
  const box = map.canvas.getBoundingClientRect();
  map.dpr = Math.min(window.devicePixelRatio || 1, 2);
  map.canvas.width = Math.max(1, Math.round(box.width * map.dpr));
  map.canvas.height = Math.max(1, Math.round(box.height * map.dpr));
  map.image = map.context.createImageData(map.canvas.width, map.canvas.height);
  map.pixels = new Uint32Array(map.image.data.buffer);
}

function showWhole() {
  const {width, height} = map.canvas;
  map.whole = 0.92 * Math.min(width / extent(cells.x), height / extent(cells.y));
  map.view = {scale: map.whole, x: width / 2 - middle(cells.x) * map.whole, y: height / 2 + middle(cells.y) * map.whole};
  redraw();
}

const ends = (values) => values.reduce(([low, high], value) => [Math.min(low, value), Math.max(high, value)], [UNITS, 0]);
const extent = (values) => { const [low, high] = ends(values); return Math.max(high - low, 1); };
const middle = (values) => { const [low, high] = ends(values); return (low + high) / 2; };

async function recolour() {
  const wanted = state.colour;
  const colouring_ = await colouring();
  // A gene may come after the reader has asked for another.
  if (wanted !== state.colour) return;
  map.colouring = colouring_;
  const palette = map.colouring.palette.map(packedColour);
  const background = packedColour(rgb(cssColour('--grey')));
  map.colours = Uint32Array.from(map.colouring.codes, (code, cell) => (isBackground(cell) ? background : palette[code]));
  showLegend();
}

function relight() {
  const {chosen} = state;
  $('clear').disabled = !chosen;
  if (!chosen) {
    map.lit = null;
  } else if (chosen.tips) {
    map.lit = Uint8Array.from(cells.tips, (tip) => (chosen.tips.has(tip) ? 1 : 0));
  } else {
    map.lit = Uint8Array.from(cells.columns[chosen.column].codes, (code) => (code === chosen.level ? 1 : 0));
  }
  const n = map.lit ? map.lit.reduce((sum, lit) => sum + lit, 0) : cells.n;
  const said = chosen ? `${chosen.title} is selected, ${counted(n, 'cell', 'cells')} on the map` : '';
  if ($('announce').textContent !== said) $('announce').textContent = said;
  map.canvas.setAttribute('aria-label', `Map of ${whole(cells.n)} cells in ${counted(cut.groups.length, ...(data.names ? ['label', 'labels'] : ['cluster', 'clusters']))}. ${said}`);
}

function redraw() {
  if (map.waiting || !map.colours || !map.pixels) return;
  map.waiting = true;
  requestAnimationFrame(() => { map.waiting = false; drawMap(); });
}

function radius() {
  const {width, height} = map.canvas;
  const even = 0.6 * Math.sqrt(width * height / Math.max(cells.n, 1)) / Math.PI;
  const least = 0.9 * map.dpr;
  const zoomed = Math.sqrt(map.view.scale / map.whole);
  return Math.min(Math.max(even, least) * zoomed, 9 * map.dpr);
}

function drawMap() {
  const {width, height} = map.canvas;
  const ground = rgb(cssColour('--ground'));
  map.pixels.fill(packedColour(ground));
  if (map.lit) {
    const grey = new Uint32Array(cells.n).fill(packedColour(rgb(cssColour('--grey'))));
    drawPoints(map.pixels, width, height, map.view, radius(), grey, map.lit, 0);
    drawPoints(map.pixels, width, height, map.view, radius(), map.colours, map.lit, 1);
  } else {
    drawPoints(map.pixels, width, height, map.view, radius(), map.colours, null, 0);
  }
  map.context.putImageData(map.image, 0, 0);
  if (state.colour === 'cluster') drawNames();
}

// Each cluster's name at the median of its cells.
function drawNames() {
  const {context} = map;
  context.font = `600 ${13 * map.dpr}px system-ui, sans-serif`;
  context.textAlign = 'center';
  context.textBaseline = 'middle';
  context.lineJoin = 'round';
  context.lineWidth = 4 * map.dpr;
  context.strokeStyle = cssColour('--ground');
  context.fillStyle = cssColour('--ink');
  cut.groups.forEach((group, place) => {
    const at_ = map.middles[place];
    if (!at_ || group.clusters.some((cluster) => (data.unnamed || []).includes(cluster))) return;
    const [x, y] = [at_[0] * map.view.scale + map.view.x, map.view.y - at_[1] * map.view.scale];
    context.strokeText(group.name, x, y);
    context.fillText(group.name, x, y);
  });
}

// The median place of the cells of every group, found once for every cut.
function middlesOfGroups() {
  const places = cut.groups.map(() => [[], []]);
  for (let cell = 0; cell < cells.n; cell++) {
    const [xs, ys] = places[cut.groupOfTip[cells.tips[cell]]];
    xs.push(cells.x[cell]);
    ys.push(cells.y[cell]);
  }
  const median = (values) => Uint16Array.from(values).sort()[Math.floor(values.length / 2)];
  return places.map(([xs, ys]) => (xs.length ? [median(xs), median(ys)] : null));
}

// Zooms by a factor and keeps what is at a pixel where it is.
function zoom(factor, x = map.canvas.width / 2, y = map.canvas.height / 2) {
  const scale = Math.min(Math.max(map.view.scale * factor, map.whole / 2), map.whole * 200);
  const by = scale / map.view.scale;
  map.view = {scale, x: x - (x - map.view.x) * by, y: y - (y - map.view.y) * by};
  redraw();
}

function pan(dx, dy) {
  map.view = {...map.view, x: map.view.x + dx, y: map.view.y + dy};
  redraw();
}
