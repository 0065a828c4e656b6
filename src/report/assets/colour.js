// The colour of every cell by what the reader asks for, and the legend's entries for it.

// Three stops of a ramp whose lightness changes one way, so that it reads without colour vision too.
const RAMPS = {light: [[214, 219, 226], [98, 141, 196], [40, 22, 92]], dark: [[60, 68, 80], [89, 146, 214], [250, 236, 160]]};

function isDark() {
  const theme = document.documentElement.dataset.theme;
  return theme ? theme === 'dark' : matchMedia('(prefers-color-scheme: dark)').matches;
}

function rgb(text) {
  return [1, 3, 5].map((start) => parseInt(text.slice(start, start + 2), 16));
}

// The colour of a label; on a dark ground dark ones are mixed with white, so that they stand out.
function colourAt(place) {
  const colour = data.colors[place % data.colors.length];
  const [r, g, b] = rgb(colour);
  if (!isDark() || 0.3 * r + 0.59 * g + 0.11 * b > 75) return colour;
  return `#${[r, g, b].map((value) => Math.round(value + 0.45 * (255 - value)).toString(16).padStart(2, '0')).join('')}`;
}

// 256 colours from low to high.
function ramp() {
  const stops = RAMPS[isDark() ? 'dark' : 'light'];
  return Array.from({length: 256}, (_, step) => {
    const at = (step / 255) * (stops.length - 1);
    const low = Math.min(Math.floor(at), stops.length - 2);
    return stops[low].map((value, channel) => Math.round(value + (stops[low + 1][channel] - value) * (at - low)));
  });
}

// What the confidence of a cell is, in the report of a run, and in that of new cells by what their labels are.
const CONFIDENCE = {
  run: 'share of a cell’s edges that stay in its cluster', cluster: 'share of the vote of the nearest training cells',
  celltype: 'probability of the label',
};

// {codes: a number for every cell, palette: a colour for every number, entries for the legend or the ends of a ramp, of(cell)}.
async function colouring() {
  const [kind, place] = state.colour.split(':');
  if (kind === 'column') return byColumn(Number(place));
  if (kind === 'gene') {
    const gene = data.genes[place];
    const values = await geneValues(Number(place));
    const value = (cell) => `${gene.name}: ${(values[cell] / 255 * gene.most).toFixed(2)}`;
    return byValue(gene.name, values, ['0', gene.most.toFixed(1)], 'ln(1 + counts per 10,000)', value);
  }
  if (kind === 'depth') return byDepth();
  if (kind === 'confidence') {
    const value = (cell) => `Confidence ${(cells.confidence[cell] / 255).toFixed(2)}`;
    return byValue('Confidence', cells.confidence, ['0', '1'], CONFIDENCE[data.label_by || 'run'], value);
  }
  if (kind === 'distance') {
    const value = (cell) => `Distance ${(cells.distance[cell] / 255 * data.most_distance).toFixed(2)}`;
    return byValue('Distance', cells.distance, ['0', `${data.most_distance} or more`], 'from what the model knows; above 1, a cell is unassigned', value);
  }
  return byCluster();
}

function byCluster() {
  const codes = Uint16Array.from(cells.tips, (tip) => cut.groupOfTip[tip]);
  const entries = cut.groups.map((group) => ({
    name: titled(group.name), n: group.cells, colour: group.colour, act: () => chooseGroup(group),
    isChosen: (chosen) => chosen.tips && group.tips.every((tip) => chosen.tips.has(tip)),
  }));
  return {title: data.names ? 'Labels' : 'Clusters', codes, palette: cut.groups.map((group) => rgb(group.colour)), entries, of: () => null};
}

function byColumn(place) {
  const column = cells.columns[place];
  const n = new Array(256).fill(0);
  column.codes.forEach((code, cell) => { if (!isBackground(cell)) n[code] += 1; });
  const palette = Array.from({length: 256}, () => rgb('#9aa1aa'));
  const entries = column.levels.map((name, level) => {
    const colour = colourAt(level);
    palette[level] = rgb(colour);
    const chosen = {column: place, level, title: `${column.title}: ${name}`};
    const isChosen = (now) => now.column === place && now.level === level;
    return {name, n: n[level], colour, isChosen, act: () => change({chosen: state.chosen && isChosen(state.chosen) ? null : chosen})};
  });
  if (n[255]) entries.push({name: 'no label', n: n[255], colour: '#9aa1aa'});
  const of = (cell) => `${column.title}: ${column.codes[cell] === 255 ? 'none' : column.levels[column.codes[cell]]}`;
  return {title: column.title, codes: column.codes, palette, entries, of};
}

function byDepth() {
  const logs = Float64Array.from(cells.depth, (depth) => Math.log(Math.max(depth, 1)));
  const known = logs.filter((_, cell) => !isBackground(cell));
  const low = known.reduce((a, b) => Math.min(a, b), Infinity);
  const high = known.reduce((a, b) => Math.max(a, b), -Infinity);
  const codes = Uint8Array.from(logs, (log) => Math.round(255 * (log - low) / (high - low || 1)));
  return byValue('Sequencing depth', codes, [low, high].map((log) => whole(Math.round(Math.exp(log)))), 'counts in the cell, on a log scale', () => null);
}

function byValue(title, codes, ends, unit, of) {
  return {title, codes, palette: ramp(), ends, unit, of};
}

// The choices of the menu, in groups.
function fillColourMenu() {
  const menu = $('colour');
  const option = (value, text) => element('option', {value}, text);
  menu.append(option('cluster', data.names ? 'Label' : 'Cluster'));
  data.cells.columns.forEach((column, place) => menu.append(option(`column:${place}`, column.title)));
  menu.append(option('depth', 'Sequencing depth'));
  if (data.cells.confidence) menu.append(option('confidence', 'Confidence'));
  if (data.cells.distance) menu.append(option('distance', 'Distance'));
  if (data.genes.length) {
    const genes = element('optgroup', {label: 'Expression of a marker'});
    data.genes.forEach((gene, place) => genes.append(option(`gene:${place}`, gene.name)));
    menu.append(genes);
  }
  menu.addEventListener('change', () => change({colour: menu.value}));
  listeners.push((part) => { if ('colour' in part) menu.value = state.colour; });
}
