// Mouse, finger and keys on the map.

// How far from a cell the pointer still means it, and how far a press may move and still be a click; CSS pixels.
const REACH = 9;
const STILL = 4;

function listenToPointer(canvas) {
  const held = new Map();
  let moved = 0;
  canvas.addEventListener('pointerdown', (event) => {
    canvas.setPointerCapture(event.pointerId);
    held.set(event.pointerId, at(event));
    moved = 0;
  });
  canvas.addEventListener('pointermove', (event) => {
    if (!held.has(event.pointerId)) {
      showTip(event);
      return;
    }
    const before = [...held.values()];
    const [oldX, oldY] = held.get(event.pointerId);
    held.set(event.pointerId, at(event));
    const [x, y] = at(event);
    moved += Math.hypot(x - oldX, y - oldY);
    $('tip').hidden = true;
    if (held.size === 2) pinch(before, [...held.values()]);
    else pan(x - oldX, y - oldY);
  });
  canvas.addEventListener('pointerup', (event) => {
    if (held.delete(event.pointerId) && held.size === 0 && moved < STILL * map.dpr) clickMap(event);
  });
  canvas.addEventListener('pointercancel', (event) => held.delete(event.pointerId));
  canvas.addEventListener('pointerleave', () => { $('tip').hidden = true; });
  canvas.addEventListener('wheel', (event) => {
    event.preventDefault();
    zoom(Math.exp(-event.deltaY * (event.deltaMode ? 0.05 : 0.0018)), ...at(event));
  }, {passive: false});
}

// Where a pointer is, in the canvas's pixels.
function at(event) {
  const box = map.canvas.getBoundingClientRect();
  return [(event.clientX - box.left) * map.dpr, (event.clientY - box.top) * map.dpr];
}

function pinch([a, b], [c, d]) {
  const gap = ([x1, y1], [x2, y2]) => Math.hypot(x1 - x2, y1 - y2);
  zoom(gap(c, d) / Math.max(gap(a, b), 1), (c[0] + d[0]) / 2, (c[1] + d[1]) / 2);
  pan((c[0] + d[0] - a[0] - b[0]) / 2, (c[1] + d[1] - a[1] - b[1]) / 2);
}

// The cell under a pixel, the topmost of the nearest; −1 where there is none.
function cellAt([x, y]) {
  let found = -1;
  let nearest = (REACH * map.dpr) ** 2;
  for (let cell = 0; cell < cells.n; cell++) {
    const dx = cells.x[cell] * map.view.scale + map.view.x - x;
    const dy = map.view.y - cells.y[cell] * map.view.scale - y;
    const squared = dx * dx + dy * dy;
    if (squared <= nearest) {
      nearest = squared;
      found = cell;
    }
  }
  return found;
}

function clickMap(event) {
  const cell = cellAt(at(event));
  if (cell >= 0) chooseGroup(cut.groups[cut.groupOfTip[cells.tips[cell]]]);
  else if (state.chosen) change({chosen: null});
}

function showTip(event) {
  const tip = $('tip');
  const cell = cellAt(at(event));
  tip.hidden = cell < 0;
  if (cell < 0) return;
  tip.textContent = linesOf(cell).filter(Boolean).join('\n');
  const box = map.canvas.getBoundingClientRect();
  const [x, y] = [event.clientX - box.left, event.clientY - box.top];
  const left = x + 16 + tip.offsetWidth > box.width ? x - tip.offsetWidth - 12 : x + 16;
  const top = y + 16 + tip.offsetHeight > box.height ? y - tip.offsetHeight - 12 : y + 16;
  tip.style.transform = `translate(${Math.max(left, 0)}px, ${Math.max(top, 0)}px)`;
}

// What is said of a cell.
function linesOf(cell) {
  const group = cut.groups[cut.groupOfTip[cells.tips[cell]]];
  if (isBackground(cell)) return [cells.names ? cells.names[cell] : group.name];
  const name = cells.names ? cells.names[cell] : `Cell ${whole(cells.rows[cell] + 1)} of the file`;
  const more = tipLines.map((line) => line(cell));
  return [name, titled(group.name), ...more, `Depth: ${whole(cells.depth[cell])} counts`, map.colouring.of(cell)];
}

function moveByKey(event) {
  const step = 60 * map.dpr;
  const acts = {
    ArrowLeft: () => pan(step, 0), ArrowRight: () => pan(-step, 0), ArrowUp: () => pan(0, step), ArrowDown: () => pan(0, -step),
    '+': () => zoom(1.3), '=': () => zoom(1.3), '-': () => zoom(1 / 1.3), 0: showWhole, Escape: () => change({chosen: null}),
  };
  const act = acts[event.key];
  if (act && !event.ctrlKey && !event.metaKey) {
    event.preventDefault();
    act();
  }
}
