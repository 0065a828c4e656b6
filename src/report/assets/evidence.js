// The evidence of one split, in sentences and two small tables.

// The names of a node's two sides after the clusters of the run.
function sideNames(node) {
  const names = tree.nodes[node].children.map((child) => {
    const clusters = [...new Set(tipsBelow[child].map((tip) => tree.clusters[tip]))].sort((a, b) => a - b);
    return clusters.length > 5 ? `${clusters.slice(0, 4).join('+')}+${clusters.length - 4} more` : clusters.join('+');
  });
  return names[0] === names[1] ? [`one part of ${names[0]}`, 'the other'] : names;
}

function splitLine(node) {
  const {split} = tree.nodes[node];
  if (!split) return 'no evidence is recorded';
  const best = bestGene(split);
  const genes = `${counted(split.n_genes[0] + split.n_genes[1], 'gene', 'genes')}${best ? `, best ${best.name} (AUC ${best.auc.toFixed(2)})` : ''}`;
  return `${genes}; ${percent(split.edges_between)} of edges between; in ${percent(split.stability)} of halves`;
}

function bestGene(split) {
  return split.genes.flat().sort((a, b) => b.auc - a.auc)[0];
}

// The split that is shown: the chosen one, the one above the chosen cluster, or the weakest that is kept.
function shownSplit() {
  const {chosen, k} = state;
  if (chosen && chosen.node !== undefined && chosen.node !== null) {
    const node = tree.nodes[chosen.node];
    return chosen.title.startsWith('The split') ? chosen.node : node.parent;
  }
  return splits[Math.max(k - 2, 0)];
}

function showEvidence() {
  const box = $('evidence');
  const node = shownSplit();
  if (node === null || node === undefined || !tree.nodes[node].split) {
    box.replaceChildren(element('p', {}, 'All cells are one cluster here: no split is kept.'));
    return;
  }
  const {split} = tree.nodes[node];
  const sides = sideNames(node);
  const sizes = tree.nodes[node].children.map((child) => tree.nodes[child].cells);
  const rank = splits.indexOf(node) + 1;
  const isKept = rank < state.k;
  const best = bestGene(split);
  box.replaceChildren(
    element('h3', {}, `${capital(sides[0])} against ${sides[1]}`),
    element('p', {class: 'small'}, `${counted(sizes[0], 'cell', 'cells')} and ${whole(sizes[1])}. Of ${splits.length} splits shown, this is number ${rank} by evidence; the cut ${isKept ? 'keeps' : 'does not keep'} it.`),
    element('p', {}, `${counted(split.n_genes[0] + split.n_genes[1], 'gene differs', 'genes differ')} at least twofold.${best ? ` The best one is ${best.name}: a cell of one side has more of it than a cell of the other with probability ${best.auc.toFixed(2)} (AUC).` : ''}`),
    element('p', {}, `${percent(split.edges_between)} of the smaller side’s edges lead to the other side. In ${percent(split.stability)} of 20 random halves of the cells the split is kept.${typeof split.p === 'number' ? ` In counts that had no part in the clustering, the sides differ with p ${split.p < 1e-300 ? '< 1e-300' : `= ${split.p < 0.001 ? split.p.toExponential(0) : split.p.toFixed(3)}`} (count splitting, Wilcoxon, Simes).` : ''}`),
    ...split.genes.map((genes, side) => geneTable(genes, side, sides)),
  );
}

const capital = (text) => text.charAt(0).toUpperCase() + text.slice(1);

function geneTable(genes, side, sides) {
  if (!genes.length) return element('p', {}, `No gene is higher in ${sides[side]}.`);
  const head = ['Higher in ' + sides[side], 'Here', 'There', 'AUC'].map((text, column) => element('th', {scope: 'col', class: column ? 'n' : null}, text));
  const rows = genes.map((gene) => element('tr', {},
    element('th', {scope: 'row'}, element('i', {}, gene.name)),
    ...[percent(gene.share), percent(gene.share_other), gene.auc.toFixed(2)].map((text) => element('td', {class: 'n'}, text))));
  return element('table', {}, element('thead', {}, element('tr', {}, ...head)), element('tbody', {}, ...rows));
}

if (data.tree) listeners.push((part) => { if ('k' in part || 'chosen' in part) showEvidence(); });
