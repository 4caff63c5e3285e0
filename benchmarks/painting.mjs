// What the renderer of maps takes of a processor, without browser and canvas, so that other load does not count.
//
// node benchmarks/painting.mjs: CPU time of a picture, ms, p50 and p95; of a zoom, all pictures until trails are whole.

const STATIC = new URL('../locshare_ext/widget/labextension/static/', import.meta.url);
const load = name => import(new URL(name, STATIC).href);
const ZOOM = 12;
const PIXEL = 360 / (256 * 2 ** ZOOM); // degrees of longitude
const BEGIN = 1_700_000_000_000;
const VIEW = { w: 1128, h: 688, dpr: 1, pad: 64 };
const OPTIONS = {
  names: [], hidden: new Set(), followed: null, interpolate: false, labels: false, staleAfter: 60_000, lostAfter: 600_000,
  ground: 'light', ink: '#222222', paper: '#ffffff', trailsVersion: 0, styles: new Map(), widths: new Map(), arrows: true,
  circles: true, shape: 'disc', clock: 'time',
};

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

  transferToImageBitmap() { return {}; }
}

globalThis.OffscreenCanvas = Canvas;
globalThis.Path2D = class { constructor() { return new Proxy(this, { get: () => () => {} }); } };
globalThis.ImageData = class {
  constructor(width, height) { this.data = new Uint8ClampedArray(width * height * 4); }
};

const { Painter } = await load('painter.js');
const { Store } = await load('store.js');
const { Display } = await load('display.js');
const { Heads } = await load('heads.js');
const { MemberPaint } = await load('paint.js');
const { xOf, yOf } = await load('projection.js');

/** Members who wander about a town, with `steps` fixes each, and the view of them. */
class Town {
  constructor(members, steps, hz) {
    Object.assign(this, { members, hz, steps: 0, store: new Store(), display: new Display(), heads: new Heads() });
    this.lat = Float64Array.from({ length: members }, () => Math.random() * 0.16 - 0.08);
    this.lon = Float64Array.from({ length: members }, () => Math.random() * 0.44 - 0.22);
    this.turn = Float64Array.from({ length: members }, () => Math.random() * 2 * Math.PI);
    this.paint = new MemberPaint(Array.from({ length: members }, (_, id) => `#${(0x100000 + id * 997 % 0xe00000).toString(16)}`), '#ffffff');
    this.painter = new Painter();
    const world = 256 * 2 ** ZOOM;
    this.view = { ...VIEW, world, z: ZOOM, ox: Math.floor((world - VIEW.w) / 2), oy: Math.floor((world - VIEW.h) / 2) };
    this.painter.setView(this.view);
    while (this.steps < steps) this.take(this.step());
  }

  get end() { return BEGIN + (this.steps - 1) * 1000 / this.hz; }

  /** Let everybody go on; returns the columns of a message that tells it. */
  step() {
    const columns = { member: Uint32Array, x: Uint32Array, y: Uint32Array, time: Uint32Array };
    for (const name of Object.keys(columns)) columns[name] = { values: new columns[name](this.members), base: 0 };
    columns.time.base = BEGIN + this.steps++ * 1000 / this.hz;
    for (let id = 0; id < this.members; id++) {
      this.turn[id] += Math.random() * 0.6 - 0.3;
      this.lat[id] += Math.sin(this.turn[id]) * PIXEL / 2;
      this.lon[id] += Math.cos(this.turn[id]) * PIXEL / 2;
      columns.member.values[id] = id;
      columns.x.values[id] = xOf(this.lon[id]);
      columns.y.values[id] = yOf(this.lat[id]);
    }
    return columns;
  }

  take(columns) { this.store.insert(columns, 0, this.members, columns.time.base); }

  draw(moment = this.end, live = true, length = 3_600_000) {
    const [window, now] = [{ end: moment, length, reference: moment }, performance.now()];
    this.display.update(this.store, { live, moment, reference: moment, now }, OPTIONS);
    return this.painter.draw(this.store, this.display, window, OPTIONS, this.paint, this.heads, now).isPending;
  }

  look(change) { this.painter.setView(Object.assign(this.view, change)); }

  finish() { while (this.draw()); }
}

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
