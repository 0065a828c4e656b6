// Draws points into an array of pixels: one pass over the cells, whatever the browser's graphics.

// A disc as offsets from its middle with the share of each pixel that it covers, from 1 to 256.
function disc(radius, width) {
  const reach = Math.ceil(radius + 0.5);
  const offsets = [];
  const cover = [];
  for (let y = -reach; y <= reach; y++) {
    for (let x = -reach; x <= reach; x++) {
      const share = Math.max(0, Math.min(1, radius + 0.5 - Math.hypot(x, y)));
      if (share > 0) {
        offsets.push(y * width + x);
        cover.push(Math.round(share * 256));
      }
    }
  }
  return {reach, offsets: Int32Array.from(offsets), cover: Uint16Array.from(cover)};
}

const packedColour = ([r, g, b]) => ((255 << 24) | (b << 16) | (g << 8) | r) >>> 0;

// Draws the cells of which `lit` is `only` (all where it is null). view: {x, y, scale} takes cell units to pixels.
function drawPoints(pixels, width, height, view, radius, colours, lit, only) {
  const {reach, offsets, cover} = disc(radius, width);
  const {x, y} = cells;
  for (let cell = 0; cell < cells.n; cell++) {
    if (lit && lit[cell] !== only) continue;
    const column = Math.round(x[cell] * view.scale + view.x);
    const row = Math.round(view.y - y[cell] * view.scale);
    if (column < reach || row < reach || column >= width - reach || row >= height - reach) continue;
    const middle = row * width + column;
    const colour = colours[cell];
    const r = colour & 255;
    const g = (colour >> 8) & 255;
    const b = (colour >> 16) & 255;
    for (let i = 0; i < offsets.length; i++) {
      const at = middle + offsets[i];
      const share = cover[i];
      if (share === 256) {
        pixels[at] = colour;
      } else {
        const old = pixels[at];
        const rest = 256 - share;
        pixels[at] = (0xff000000
          | ((((old >> 16) & 255) * rest + b * share) & 0xff00) << 8
          | ((((old >> 8) & 255) * rest + g * share) & 0xff00)
          | (((old & 255) * rest + r * share) >> 8)) >>> 0;
      }
    }
  }
}
