// What is said of a new cell beside its label.

tipLines.push((cell) => {
  const nearest = cells.columns.find((column) => column.title === 'Nearest label');
  const label = nearest && nearest.levels[nearest.codes[cell]];
  return cells.tips[cell] === data.unassigned && label ? `Nearest label: ${label}` : null;
});
tipLines.push((cell) => `Confidence ${(cells.confidence[cell] / 255).toFixed(2)}`);
tipLines.push((cell) => {
  const distance = cells.distance[cell] / 255 * data.most_distance;
  return `Distance ${cells.distance[cell] === 255 ? 'at least ' : ''}${distance.toFixed(2)}`;
});
