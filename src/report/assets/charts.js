// The losses of training, a chart each.

const CHART = {width: 340, height: 150, left: 52, bottom: 24, top: 8, right: 10};

function drawCharts() {
  const box = $('charts');
  if (!data.charts.length) {
    box.replaceChildren(element('p', {}, 'No loss was recorded.'));
    return;
  }
  box.replaceChildren(...data.charts.map((chart) => element('figure', {}, element('figcaption', {}, chart.title), lineChart(chart))));
}

function lineChart({title, unit, steps, values}) {
  const known = values.filter((value) => value !== null);
  const {width, height, left, bottom, top, right} = CHART;
  const svg = shape('svg', {width: '100%', viewBox: `0 0 ${width} ${height}`, role: 'img',
    'aria-label': `${title}: from ${brief(known[0])} to ${brief(known[known.length - 1])}`});
  const [low, high] = [Math.min(...known), Math.max(...known)];
  const [first, last] = [steps[0], steps[steps.length - 1]];
  const x = (step) => left + (width - left - right) * (step - first) / (last - first || 1);
  const y = (value) => height - bottom - (height - bottom - top) * (value - low) / (high - low || 1);
  let pen = 'M';
  const path = values.map((value, place) => {
    if (value === null) {
      pen = 'M';
      return '';
    }
    const point = `${pen}${x(steps[place]).toFixed(1)} ${y(value).toFixed(1)}`;
    pen = 'L';
    return point;
  }).join('');
  svg.append(
    shape('path', {class: 'axis', d: `M${left} ${top}V${height - bottom}H${width - right}`}),
    shape('path', {class: 'line', d: path}),
    ...[low, high].map((value) => shape('text', {class: 'dim', x: left - 6, y: y(value) + 4, 'text-anchor': 'end'}, brief(value))),
    shape('text', {class: 'dim', x: left, y: height - 6}, `${unit} ${first}`),
    shape('text', {class: 'dim', x: width - right, y: height - 6, 'text-anchor': 'end'}, `${last}`),
  );
  return svg;
}

const brief = (value) => (value === undefined ? 'none' : Number(value.toPrecision(3)).toString());

parts.push(drawCharts);
