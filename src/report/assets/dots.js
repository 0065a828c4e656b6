// The dot plot: clusters in rows, markers in columns.

const DOT = {cell: 22, left: 92, top: 122, most: 9};

function drawDots() {
  const {genes, shares, means} = data.dots;
  if (!genes.length) {
    $('no-dots').hidden = false;
    return;
  }
  const svg = $('dot-plot');
  const [width, height] = [DOT.left + DOT.cell * genes.length + 150, DOT.top + DOT.cell * shares.length + 12];
  filled(svg, {width, height, viewBox: `0 0 ${width} ${height}`}, []);
  const most = genes.map((_, gene) => Math.max(...means.map((row) => row[gene]), 1e-9));
  const colours = ramp();
  svg.replaceChildren(
    ...genes.map((gene, column) => geneLabel(gene, column)),
    ...shares.map((row, cluster) => dotRow(row, cluster, means[cluster], most, colours, genes)),
    dotKey(width - 130, colours),
  );
}

function geneLabel(gene, column) {
  const [x, y] = [DOT.left + DOT.cell * (column + 0.5), DOT.top - 6];
  const name = gene.name.length > 16 ? `${gene.name.slice(0, 15)}…` : gene.name;
  const label = shape('g', {}, shape('rect', {class: 'hit ring', x: x - 9, y: 4, width: 18, height: DOT.top - 8}),
    shape('text', {class: 'gene', transform: `translate(${x + 4} ${y}) rotate(-90)`}, name), shape('title', {}, gene.name));
  const place = data.genes.findIndex((known) => known.name === gene.name);
  if (place < 0) return label;
  return pressable(label, `Colour the map by ${gene.name}`, () => {
    change({colour: `gene:${place}`});
    $('map-section').scrollIntoView();
  });
}

function dotRow(row, cluster, means, most, colours, genes) {
  const y = DOT.top + DOT.cell * (cluster + 0.5);
  const isChosen = state.chosen && state.chosen.tips && tree.clusters.some((of, tip) => of === cluster && state.chosen.tips.has(tip));
  const label = pressable(shape('g', {'data-cluster': cluster}, shape('rect', {class: 'hit ring', x: 2, y: y - 10, width: DOT.left - 8, height: 20, rx: 4}),
    shape('text', {class: isChosen ? 'bold' : '', x: DOT.left - 12, y: y + 4, 'text-anchor': 'end'}, `Cluster ${cluster}`)),
  `Cluster ${cluster}`, () => chooseCluster(cluster));
  const dots = row.map((share, column) => {
    const dot = shape('circle', {cx: DOT.left + DOT.cell * (column + 0.5), cy: y, r: (Math.sqrt(share) * DOT.most).toFixed(1)},
      shape('title', {}, `${genes[column].name} in cluster ${cluster}: ${percent(share)} of cells, mean ${means[column].toFixed(2)}`));
    dot.style.fill = `rgb(${colours[Math.round(255 * means[column] / most[column])].join()})`;
    return dot;
  });
  const line = shape('line', {class: 'axis', x1: DOT.left, x2: DOT.left + DOT.cell * row.length, y1: y, y2: y});
  const isFaint = state.chosen && state.chosen.tips && !isChosen;
  return shape('g', {}, line, label, shape('g', {class: isFaint ? 'unlit' : ''}, ...dots));
}

// What sizes and colours mean.
function dotKey(x, colours) {
  const key = shape('g', {}, shape('text', {class: 'dim', x, y: 14}, 'Share of cells'));
  [0.1, 0.5, 1].forEach((share, place) => {
    const dot = shape('circle', {cx: x + 12 + 42 * place, cy: 32, r: Math.sqrt(share) * DOT.most});
    dot.style.fill = cssColour('--dim');
    key.append(dot, shape('text', {class: 'dim', x: x + 12 + 42 * place, y: 56, 'text-anchor': 'middle'}, percent(share)));
  });
  for (let step = 0; step < 30; step++) {
    const bar = shape('rect', {x: x + 4 * step, y: 66, width: 4.5, height: 8});
    bar.style.fill = `rgb(${colours[Math.round(step * 255 / 29)].join()})`;
    key.append(bar);
  }
  key.append(shape('text', {class: 'dim', x, y: 88}, 'Mean: 0'), shape('text', {class: 'dim', x: x + 120, y: 88, 'text-anchor': 'end'}, 'highest'));
  return key;
}

listeners.push((part) => { if ('chosen' in part) drawDots(); });
repaints.push(drawDots);
