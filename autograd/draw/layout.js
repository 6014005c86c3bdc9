/** Where boxes go: ranks from left to right, each put in an order with few crossings (Sugiyama, Tagawa and Toda, 1981). */

const BETWEEN_RANKS = 32, BETWEEN_BOXES = 14, SWEEPS = 12;

/**
 * The centre of each box, and for each edge the points that it goes through, from its tail's to its head's.
 *
 * `sizes` has each box's width and height by its id, `edges` are pairs of ids; an edge over several ranks bends at an invisible box in each
 * of those between.
 */
export function layout(sizes, edges) {
  const ranks = rankOf([...sizes.keys()], edges), columns = Array.from({length: Math.max(-1, ...ranks.values()) + 1}, () => []);
  const heights = new Map(), before = new Map(), after = new Map();
  const add = (name, rank, height) => {
    columns[rank].push(name);
    heights.set(name, height);
    before.set(name, []);
    after.set(name, []);
  };
  for (const [name, rank] of ranks) add(name, rank, sizes.get(name)[1]);
  const routes = edges.map(([tail, head], index) => {
    const route = [tail];
    for (let rank = ranks.get(tail) + 1; rank < ranks.get(head); rank++) {
      const bend = `${index}/${rank}`;
      add(bend, rank, 2);
      route.push(bend);
    }
    route.push(head);
    for (let i = 1; i < route.length; i++) {
      after.get(route[i - 1]).push(route[i]);
      before.get(route[i]).push(route[i - 1]);
    }
    return route;
  });
  const x = across(columns, sizes, BETWEEN_RANKS + Math.min(160, edges.length / 4)), y = down(columns, heights, before, after);
  const places = new Map();
  columns.forEach((column, rank) => column.forEach(name => places.set(name, [x[rank], y.get(name)])));
  return {places, routes: routes.map(route => route.map(name => places.get(name)))};
}

/** The longest way to each box; what nothing leads to stands right before what it leads to. Where edges go in a circle, one goes back. */
function rankOf(names, edges) {
  const heads = new Map(names.map(name => [name, []])), waiting = new Map(names.map(name => [name, 0])), ranks = new Map(names.map(name => [name, 0]));
  for (const [tail, head] of edges) {
    heads.get(tail).push(head);
    waiting.set(head, waiting.get(head) + 1);
  }
  const ready = names.filter(name => waiting.get(name) === 0), sources = [...ready], done = new Set();
  const settle = name => {
    done.add(name);
    for (const head of heads.get(name)) {
      if (done.has(head)) continue;
      ranks.set(head, Math.max(ranks.get(head), ranks.get(name) + 1));
      waiting.set(head, waiting.get(head) - 1);
      if (waiting.get(head) === 0) ready.push(head);
    }
  };
  for (const name of ready) settle(name);  // it grows while it is walked
  for (const name of names) {
    if (done.has(name)) continue;
    settle(name);
    for (const each of ready) if (!done.has(each)) settle(each);
  }
  for (const name of sources) {
    const next = heads.get(name).map(head => ranks.get(head));
    ranks.set(name, next.length ? Math.max(0, Math.min(...next) - 1) : 0);
  }
  return ranks;
}

function across(columns, sizes, between) {
  let edge = 0;
  return columns.map(column => {
    const width = Math.max(0, ...column.filter(name => sizes.has(name)).map(name => sizes.get(name)[0])), center = edge + width / 2;
    edge += width + between;
    return center;
  });
}

/** Heights' centres: sweeps to the right and back, each of which moves a column's boxes towards their neighbours. */
function down(columns, heights, before, after) {
  const y = new Map(columns.flatMap(column => column.map((name, index) => [name, index * 50])));
  for (let sweep = 0; sweep < SWEEPS; sweep++) {
    const neighbours = sweep % 2 ? after : before;
    for (const column of sweep % 2 ? [...columns].reverse() : columns) {
      const wanted = new Map(column.map(name => {
        const near = neighbours.get(name);
        return [name, near.length ? near.reduce((sum, each) => sum + y.get(each), 0) / near.length : y.get(name)];
      }));
      if (sweep < SWEEPS - 4) column.sort((a, b) => wanted.get(a) - wanted.get(b));  // in the end the order stays, and only places change
      spaced(column, wanted, heights).forEach((place, index) => y.set(column[index], place));
    }
  }
  return y;
}

/** The places nearest to the wanted ones, by least squares, in this order and without overlaps (pool adjacent violators). */
function spaced(column, wanted, heights) {
  const offsets = [], pools = [];  // of a run of boxes that touch: their mean place, and how many they are
  let below = 0;
  for (const name of column) {
    offsets.push(below + heights.get(name) / 2);
    below += heights.get(name) + BETWEEN_BOXES;
  }
  column.forEach((name, index) => {
    let pool = [wanted.get(name) - offsets[index], 1];
    while (pools.length && pools.at(-1)[0] > pool[0]) {
      const [mean, count] = pools.pop();
      pool = [(mean * count + pool[0] * pool[1]) / (count + pool[1]), count + pool[1]];
    }
    pools.push(pool);
  });
  const starts = pools.flatMap(([mean, count]) => Array(count).fill(mean));
  return offsets.map((offset, index) => starts[index] + offset);
}
