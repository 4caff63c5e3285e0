// The renderer in a browser's worker, with a real canvas: how long its parts take, ms, in the order of their turns.

import { BEGIN, townOf, ZOOM } from './town.mjs';

const turns = (count, call) => Array.from({ length: count }, (_, turn) => call(turn));

function time(call) {
  const start = performance.now();
  call();
  return performance.now() - start;
}

const jobs = {
  steps(Town, members, steps) {
    const town = new Town(members, steps, 10);
    town.finish();
    turns(20, () => { town.take(town.step()); town.draw(); });
    const news = turns(40, () => town.step());
    const both = news.map(columns => [time(() => town.take(columns)), time(() => town.draw())]);
    const drag = turns(40, () => time(() => {
      town.look({ ox: town.view.ox + 5, oy: town.view.oy + 2 });
      town.draw();
    }));
    town.finish();
    const zoom = { world: town.view.world * 2, z: ZOOM + 1, ox: town.view.ox * 2 + 500, oy: town.view.oy * 2 + 300 };
    const whole = time(() => { town.look(zoom); town.finish(); });
    return {
      'a step is taken': both.map(([take]) => take), 'and drawn': both.map(([, draw]) => draw), 'a picture of a drag': drag,
      'a zoom, until all is drawn': [whole],
    };
  },
  scrub(Town, members, steps) {
    const town = new Town(members, steps, 1);
    const moments = turns(200, turn => BEGIN + (town.end - BEGIN) * (1 - Math.cos(turn / 100 * Math.PI)) / 2);
    return { 'a picture of a playhead that is dragged': moments.map(moment => time(() => town.draw(moment, false, 600_000))) };
  },
};

onmessage = async ({ data: [renderer, job, ...sizes] }) => {
  const Town = await townOf(name => import(`/${renderer}/${name}`));
  postMessage(jobs[job](Town, ...sizes));
};
