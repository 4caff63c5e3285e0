// What the renderer of maps takes of a processor, without browser and canvas, so that other load does not count.
//
// node benchmarks/painting.mjs: CPU time of a picture, ms, p50 and p95; of a zoom, all pictures until trails are whole.

import { BEGIN, townOf, ZOOM } from './town.mjs';

const STATIC = new URL('../locshare_ext/widget/labextension/static/', import.meta.url);
const load = name => import(new URL(name, STATIC).href);

/** A canvas that draws nothing; its pixels are a disc, as those of a head's mark. */
class Canvas {
  constructor(width, height) { Object.assign(this, { width, height }); }

  getContext() {
    const getImageData = (left, top, width, height) => {
      const image = new ImageData(width, height);
      for (let p = 0; p < width * height; p++) {
        if (Math.hypot(p % width - width / 2, Math.floor(p / width) - height / 2) < 8) image.data.fill(255, 4 * p, 4 * p + 4);
      }
      return image;
    };
    return new Proxy({}, { get: (_, name) => (name === 'getImageData' ? getImageData : () => {}), set: () => true });
  }

  transferToImageBitmap() { return { close() {} }; }
}

globalThis.OffscreenCanvas = Canvas;
globalThis.Path2D = class { constructor() { return new Proxy(this, { get: () => () => {} }); } };
globalThis.ImageData = class {
  constructor(width, height) { this.data = new Uint8ClampedArray(width * height * 4); }
};

const Town = await townOf(load);

/** Return the CPU time of a call, ms. */
function cost(call) {
  const before = process.cpuUsage().user;
  call();
  return (process.cpuUsage().user - before) / 1000;
}

function tell(what, costs) {
  const sorted = costs.toSorted((a, b) => a - b);
  const at = part => sorted[Math.floor(part * sorted.length)].toFixed(1);
  console.log(`${what.padEnd(62)} p50 ${at(0.5).padStart(6)}  p95 ${at(0.95).padStart(6)}`);
}

const turns = (count, call) => Array.from({ length: count }, (_, turn) => call(turn));

function measure(members, steps) {
  const name = `${members.toLocaleString('en')} members, trails of ${steps.toLocaleString('en')}`;
  const town = new Town(members, steps, 10);
  town.finish();
  const news = turns(60, () => town.step());
  tell(`${name}: a step is taken and drawn`, news.map(columns => cost(() => { town.take(columns); town.draw(); })));
  tell(`${name}: a drag, each picture`, turns(60, () => cost(() => {
    town.look({ ox: town.view.ox + 8, oy: town.view.oy + 3 });
    town.draw();
  })));
  town.finish();
  const zoom = { world: town.view.world * 2, z: ZOOM + 1, ox: town.view.ox * 2 + 500, oy: town.view.oy * 2 + 300 };
  tell(`${name}: a zoom, until all is drawn`, [cost(() => { town.look(zoom); town.finish(); })]);
}

function scrub(members, steps) {
  const town = new Town(members, steps, 1);
  const moments = turns(400, turn => BEGIN + (town.end - BEGIN) * (1 - Math.cos(turn / 100 * Math.PI)) / 2);
  const name = `${(members * steps).toLocaleString('en')} fixes: a playhead is dragged, each picture`;
  tell(name, moments.map(moment => cost(() => town.draw(moment, false, 600_000))));
}

measure(1_000, 1_000);
measure(10_000, 100);
measure(10_000, 1_000);
scrub(1_000, 1_000);
