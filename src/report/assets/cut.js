// The clusters that a cut of the tree gives. Without a tree, each cluster is a tip, and there is one cut.

const tree = data.tree || {
  nodes: data.clusters.map((n) => ({parent: null, children: null, cells: n, height: 0, split: null})),
  clusters: data.clusters.map((_, cluster) => cluster),
  n_leaves: data.clusters.length,
};
const nTips = tree.clusters.length;
const root = data.tree ? tree.nodes.length - 1 : null;
const nClusters = data.clusters.length;

// The splits, the strongest first; of equal ones, that nearer to the root.
const splits = tree.nodes.map((_, node) => node).filter((node) => tree.nodes[node].children)
  .sort((a, b) => tree.nodes[b].height - tree.nodes[a].height || b - a);

const tipsBelow = tree.nodes.map((_, node) => [node]);
tree.nodes.forEach((node, place) => {
  if (node.children) tipsBelow[place] = node.children.flatMap((child) => tipsBelow[child]);
});

// The groups of a cut into k clusters: {node, tips, cells, name, colour, cluster}, the largest first, and each tip's group.
function cutInto(k) {
  const isCut = new Set(splits.slice(0, k - 1));
  const groups = [];
  const open = data.tree ? [root] : tree.nodes.map((_, node) => node).reverse();
  while (open.length) {
    const node = open.pop();
    if (isCut.has(node)) open.push(...tree.nodes[node].children);
    else groups.push({node, tips: tipsBelow[node], cells: tree.nodes[node].cells});
  }
  groups.sort((a, b) => b.cells - a.cells || a.node - b.node);
  nameGroups(groups);
  colourGroups(groups);
  const groupOfTip = new Uint16Array(nTips);
  groups.forEach((group, place) => group.tips.forEach((tip) => { groupOfTip[tip] = place; }));
  return {groups, groupOfTip};
}

// A group is named after the run's clusters in it: 3, 3+5, and 3a, 3b, … for the parts of one.
function nameGroups(groups) {
  const parts = new Map();
  for (const group of groups) {
    const inside = [...new Set(group.tips.map((tip) => tree.clusters[tip]))].sort((a, b) => a - b);
    group.clusters = inside;
    if (inside.length === 1) parts.set(inside[0], [...(parts.get(inside[0]) || []), group]);
    else group.name = inside.length > 4 ? `${inside.slice(0, 3).join('+')}+${inside.length - 3} more` : inside.join('+');
  }
  for (const [cluster, of] of parts) {
    of.forEach((group, place) => { group.name = of.length === 1 ? nameOf(cluster) : `${cluster}${letters(place)}`; });
  }
}

// a, b, …, z, aa, ab, …
function letters(place) {
  const last = String.fromCharCode(97 + (place % 26));
  return place < 26 ? last : letters(Math.floor(place / 26) - 1) + last;
}

// A group has the colour of the run's cluster that most of its cells are of, unless a larger one has it already.
function colourGroups(groups) {
  const taken = new Set();
  const waiting = [];
  for (const group of groups) {
    const sizes = new Map();
    for (const tip of group.tips) {
      const cluster = tree.clusters[tip];
      sizes.set(cluster, (sizes.get(cluster) || 0) + tree.nodes[tip].cells);
    }
    const [largest] = [...sizes].sort((a, b) => b[1] - a[1] || a[0] - b[0])[0];
    if (taken.has(largest)) {
      waiting.push(group);
    } else {
      group.place = largest;
      taken.add(largest);
    }
  }
  let next = nClusters;
  for (const group of waiting) group.place = next++;
  for (const group of groups) group.colour = colourAt(group.place);
}

let cut = null;

// Cuts into k clusters, and keeps what is chosen only where it is a part of the tree rather than of the old cut.
function setCut(k) {
  cut = cutInto(k);
  change({k});
}

function chooseGroup(group) {
  const isChosen = state.chosen && state.chosen.node === group.node;
  change({chosen: isChosen ? null : {node: group.node, tips: new Set(group.tips), title: titled(group.name)}});
}

// The run's cluster, whatever the cut is now.
function chooseCluster(cluster) {
  const tips = tree.clusters.map((_, tip) => tip).filter((tip) => tree.clusters[tip] === cluster);
  const group = cutInto(nClusters).groups.find((found) => found.tips.length === tips.length && tips.includes(found.tips[0]));
  const node = group ? group.node : null;
  const isChosen = state.chosen && state.chosen.title === titled(nameOf(cluster));
  change({chosen: isChosen ? null : {node, tips: new Set(tips), title: titled(nameOf(cluster))}});
}
