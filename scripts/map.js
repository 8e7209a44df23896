// Draws the land and the borders of the world (Natural Earth, by npm's world-atlas) as one SVG file, which pages show parts of with <use>.
// `node scripts/map.js > map.svg`. 20 units are one degree; x grows to the east, y to the south, and 0 is at 0° N 0° E.
import { readFileSync } from 'node:fs';
import { feature, mesh } from 'topojson-client';

const UNITS_PER_DEGREE = 20;
// Points that are nearer than this to the line without them are left out, in units.
const TOLERANCE = 1.1;

const topology = JSON.parse(readFileSync(new URL('../node_modules/world-atlas/countries-50m.json', import.meta.url), 'utf8'));

/** Returns the points of an arc in whole units. Arcs of a topology are sums of small steps. */
function unpack(arc, { scale, translate }) {
  let [x, y] = [0, 0];
  const whole = (degrees) => Math.round(degrees * UNITS_PER_DEGREE);
  return arc.map(([dx, dy]) => {
    [x, y] = [x + dx, y + dy];
    return [whole(x * scale[0] + translate[0]), whole(-(y * scale[1] + translate[1]))];
  });
}

/** Leaves points out that hardly change a line (Douglas and Peucker). Neighbors share their arcs, so that no gaps open between them. */
function simplify(line) {
  const [first, last] = [line[0], line[line.length - 1]];
  const [width, height] = [last[0] - first[0], last[1] - first[1]];
  const length = Math.hypot(width, height);
  const distance = ([x, y]) =>
    length === 0 ? Math.hypot(x - first[0], y - first[1]) : Math.abs(width * (first[1] - y) - (first[0] - x) * height) / length;
  let [farthest, most] = [0, TOLERANCE];
  for (let index = 1; index < line.length - 1; index += 1) {
    const away = distance(line[index]);
    if (away > most) [farthest, most] = [index, away];
  }
  return farthest === 0 ? [first, last] : [...simplify(line.slice(0, farthest + 1)), ...simplify(line.slice(farthest)).slice(1)];
}

/** Lets a ring that crosses the antimeridian go on beyond it, instead of all the way around the world. The ring around the pole cannot. */
function unwrap(ring) {
  const world = 360 * UNITS_PER_DEGREE;
  let [offset, before] = [0, ring[0][0]];
  const unwrapped = ring.map(([x, y]) => {
    if (Math.abs(x - before) > world / 2) offset += x < before ? world : -world;
    before = x;
    return [x + offset, y];
  });
  return offset === 0 ? unwrapped : ring;
}

/** Writes numbers as short as a path allows: a minus sign separates too. */
const numbers = (values) => values.join(' ').replaceAll(' -', '-');

/** Writes a line as a path. Lines of less than `least` steps are left out. */
function path(points, least, end) {
  const steps = points.slice(1).map(([x, y], index) => [x - points[index][0], y - points[index][1]]);
  const moves = steps.filter(([dx, dy]) => dx !== 0 || dy !== 0);
  if (moves.length < least) return '';
  // The last step of a ring is the way back, which `z` takes.
  const drawn = end === 'z' ? moves.slice(0, -1) : moves;
  return `M${numbers(points[0])}l${numbers(drawn.flat())}${end}`;
}

const simple = { ...topology, arcs: topology.arcs.map((arc) => simplify(unpack(arc, topology.transform))), transform: undefined };
const { geometry } = feature(simple, simple.objects.land).features[0];
const land = geometry.coordinates.flat().map((ring) => path(unwrap(ring), 3, 'z'));
const borders = mesh(simple, simple.objects.countries, (one, other) => one !== other).coordinates.map((line) => path(line, 1, ''));
process.stdout.write(
  '<svg xmlns="http://www.w3.org/2000/svg"><!-- Made with Natural Earth -->' +
    `<path id="land" d="${land.join('')}"/><path id="borders" vector-effect="non-scaling-stroke" d="${borders.join('')}"/></svg>\n`,
);
