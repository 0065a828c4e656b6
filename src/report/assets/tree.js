// The tree: the stronger the evidence of a split, the further left it lies; the dashed line is the cut.

const ROW = 20;
const PAD = {left: 16, top: 30, right: 150, bottom: 10};

function setUpTree() {
  if (!data.tree) return;
  $('n-leaves').textContent = whole(tree.n_leaves);
  const slider = $('cut');
  slider.max = nTips;
  slider.addEventListener('input', () => setCut(Number(slider.value)));
  $('as-run').addEventListener('click', () => setCut(nClusters));
  new ResizeObserver(drawTree).observe($('tree').parentElement);
  listeners.push((part) => {
    if ('k' in part) sayCut();
    if ('k' in part || 'chosen' in part) drawTree();
  });
}

function sayCut() {
  $('cut').value = state.k;
  $('cut').setAttribute('aria-valuetext', counted(state.k, 'cluster', 'clusters'));
  $('n-cut').textContent = state.k;
  $('as-run').disabled = state.k === nClusters;
  $('cut-said').textContent = state.k === nClusters ? 'as in the run'
    : `the run has ${nClusters}; this cut has ${state.k < nClusters ? 'less' : 'more'} than its evidence asks for`;
}

// Places of all nodes: {x, y} in pixels of a drawing of this width.
function treePlaces(width) {
  const heights = splits.map((node) => tree.nodes[node].height);
  const [high, low] = [heights[0] ?? 1, heights[heights.length - 1] ?? 0];
  const inner = Math.max(width - PAD.left - PAD.right, 120);
  const x = (height) => PAD.left + inner * 0.94 * (high - height) / (high - low || 1);
  const places = [];
  let row = 0;
  // Tips from top to bottom, the larger side of every split first.
  const place = (node) => {
    const {children, height} = tree.nodes[node];
    if (!children) {
      places[node] = {x: PAD.left + inner, y: PAD.top + ROW * (row++ + 0.5)};
      return;
    }
    const sides = [...children].sort((a, b) => tree.nodes[b].cells - tree.nodes[a].cells);
    sides.forEach(place);
    places[node] = {x: x(height), y: (places[sides[0]].y + places[sides[1]].y) / 2};
  };
  place(root);
  return {places, x};
}

// The height at which the tree is cut: between the weakest split that is kept and the strongest that is not.
function cutHeight() {
  const height = (rank) => tree.nodes[splits[rank]].height;
  if (state.k === 1) return height(0) + 0.3;
  return state.k === nTips ? height(splits.length - 1) - 0.15 : (height(state.k - 2) + height(state.k - 1)) / 2;
}

function drawTree() {
  const svg = $('tree');
  const width = Math.max(svg.parentElement.clientWidth, 340);
  const height = PAD.top + ROW * nTips + PAD.bottom;
  filled(svg, {width, height, viewBox: `0 0 ${width} ${height}`}, []);
  if (root === 0 || !splits.length) {
    svg.replaceChildren(shape('text', {x: 0, y: 20}, 'The tree has a single tip.'));
    return;
  }
  const {places, x} = treePlaces(width);
  const kept = new Set(splits.slice(0, state.k - 1));
  const colourOf = new Map(cut.groups.flatMap((group) => nodesBelow(group.node).map((node) => [node, group.colour])));
  const focused = document.activeElement && document.activeElement.dataset && document.activeElement.dataset.focus;
  svg.replaceChildren(
    ...splits.flatMap((node) => edges(node, places, colourOf)),
    ...cutLine(Math.min(Math.max(x(cutHeight()), 4), width - PAD.right + 8), height),
    ...splits.map((node, rank) => splitMark(node, rank, places[node], kept.has(node))),
    ...cut.groups.map((group) => tipMark(group, places, width)),
  );
  if (focused) svg.querySelector(`[data-focus="${focused}"]`)?.focus();
}

function nodesBelow(node) {
  const {children} = tree.nodes[node];
  return children ? [node, ...children.flatMap(nodesBelow)] : [node];
}

function isUnlit(node) {
  return state.chosen && state.chosen.tips && !tipsBelow[node].some((tip) => state.chosen.tips.has(tip));
}

function edges(node, places, colourOf) {
  const {x, y} = places[node];
  return tree.nodes[node].children.map((child) => {
    const colour = colourOf.get(child);
    const line = shape('path', {class: `edge${isUnlit(child) ? ' unlit' : ''}`, d: `M${x} ${y}V${places[child].y}H${places[child].x}`});
    if (colour) line.style.stroke = colour;
    return line;
  });
}

function cutLine(x, height) {
  const isRight = x < 90;
  return [
    shape('line', {class: 'cut-line', x1: x, x2: x, y1: 16, y2: height}),
    shape('text', {class: 'dim', x: isRight ? x + 5 : x, y: 11, 'text-anchor': isRight ? 'start' : 'middle'}, counted(state.k, 'cluster', 'clusters')),
  ];
}

function splitMark(node, rank, {x, y}, isKept) {
  const isChosen = state.chosen && state.chosen.node === node;
  const group = shape('g', {class: `${isChosen ? 'chosen' : ''}${isUnlit(node) ? ' unlit' : ''}`, 'data-focus': `split-${node}`},
    shape('circle', {class: 'hit', cx: x, cy: y, r: 10}),
    shape('circle', {class: `node ring${isKept ? ' kept' : ''}`, cx: x, cy: y, r: isKept ? 5 : 3.5}),
    shape('title', {}, `${rank + 1}. strongest split: ${splitLine(node)}`));
  const act = () => change({chosen: isChosen ? null : {node, tips: new Set(tipsBelow[node]), title: `The split ${sideNames(node).join(' | ')}`}});
  return pressable(group, `Split ${sideNames(node).join(' and ')}: ${splitLine(node)}`, act, isKept || rank === state.k - 1 || isChosen);
}

function tipMark(group, places, width) {
  const rows = group.tips.map((tip) => places[tip].y);
  const [top, bottom] = [Math.min(...rows) - ROW / 2 + 2, Math.max(...rows) + ROW / 2 - 2];
  const left = width - PAD.right + 6;
  const isChosen = state.chosen && state.chosen.tips && group.tips.every((tip) => state.chosen.tips.has(tip));
  const bar = shape('rect', {class: 'ring', x: left, y: top, width: 10, height: bottom - top, rx: 3});
  bar.style.fill = group.colour;
  const mark = shape('g', {class: isUnlit(group.node) ? 'unlit' : '', 'data-focus': `group-${group.node}`, 'aria-pressed': String(Boolean(isChosen))},
    shape('rect', {class: 'hit', x: left - 4, y: top, width: PAD.right - 4, height: bottom - top}), bar,
    shape('text', {class: 'bold', x: left + 18, y: (top + bottom) / 2 + 4}, group.name,
      shape('tspan', {dx: 8, 'font-weight': 'normal'}, counted(group.cells, 'cell', 'cells'))));
  return pressable(mark, `Cluster ${group.name}, ${counted(group.cells, 'cell', 'cells')}`, () => chooseGroup(group));
}

parts.push(setUpTree);
