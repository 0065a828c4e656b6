// Puts the parts together.

function setUpTable() {
  const rows = [...document.querySelectorAll('#cluster-table tbody tr')];
  for (const row of rows) {
    const cluster = Number(row.dataset.cluster);
    row.querySelector('button').addEventListener('click', () => chooseCluster(cluster));
  }
  listeners.push((part) => {
    if ('k' in part) for (const row of rows) row.querySelector('.swatch').style.background = colourAt(Number(row.dataset.cluster));
    if (!('chosen' in part)) return;
    for (const row of rows) {
      const cluster = Number(row.dataset.cluster);
      const {chosen} = state;
      const isChosen = Boolean(chosen && chosen.tips && tree.clusters.some((of, tip) => of === cluster && chosen.tips.has(tip)));
      row.classList.toggle('chosen', isChosen);
      row.querySelector('button').setAttribute('aria-pressed', String(isChosen));
    }
  });
}

function setUpTheme() {
  const button = $('theme');
  const say = () => {
    button.textContent = isDark() ? 'Light' : 'Dark';
    button.setAttribute('aria-label', `Use the ${isDark() ? 'light' : 'dark'} theme`);
  };
  const repaint = () => {
    say();
    setCut(state.k);
    for (const paint of repaints) paint();
  };
  button.hidden = false;
  button.addEventListener('click', () => {
    document.documentElement.dataset.theme = isDark() ? 'light' : 'dark';
    repaint();
  });
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', repaint);
  say();
}

async function start() {
  await unpackCells();
  fillColourMenu();
  setUpMap();
  setUpTable();
  setUpTheme();
  for (const setUp of parts) setUp();
  setCut(nClusters);
  change({chosen: null});
  document.documentElement.dataset.ready = 'true';
}

start().catch((error) => {
  const said = `This browser cannot draw the map and the tree (${error.message}). A browser of 2023 or later can.`;
  document.querySelector('main').prepend(element('p', {class: 'warning', role: 'alert'}, said));
  throw error;
});
