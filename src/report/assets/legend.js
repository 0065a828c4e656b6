// The legend beside the map; its entries are buttons that select.

function showLegend() {
  const {title, entries, ends: [low, high] = [], unit} = map.colouring;
  const legend = $('legend');
  legend.replaceChildren(element('h3', {}, title));
  if (!entries) {
    const canvas = element('canvas', {class: 'ramp', width: 256, height: 1, role: 'img', 'aria-label': `From ${low} to ${high}`});
    const context = canvas.getContext('2d');
    map.colouring.palette.forEach((colour, step) => {
      context.fillStyle = `rgb(${colour.join()})`;
      context.fillRect(step, 0, 1, 1);
    });
    legend.append(canvas, element('div', {class: 'ramp-ends'}, element('span', {}, low), element('span', {}, high)));
    legend.append(element('p', {class: 'small'}, unit));
    return;
  }
  for (const entry of entries) {
    const swatch = element('span', {class: 'swatch'});
    swatch.style.background = entry.colour;
    const button = element('button', {type: 'button', class: 'entry', 'aria-pressed': 'false'}, swatch,
      element('span', {}, entry.name), element('span', {class: 'dim n'}, whole(entry.n)));
    if (entry.act) button.addEventListener('click', entry.act);
    else button.disabled = true;
    entry.button = button;
    legend.append(button);
  }
  markLegend();
}

function markLegend() {
  for (const entry of (map.colouring && map.colouring.entries) || []) {
    const isChosen = Boolean(state.chosen && entry.isChosen && entry.isChosen(state.chosen));
    entry.button.setAttribute('aria-pressed', String(isChosen));
  }
}

listeners.push((part) => { if ('chosen' in part) markLegend(); });
