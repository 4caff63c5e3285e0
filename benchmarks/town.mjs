// Members whose trails are drawn by the page's own renderer, in node or in a browser's worker.

export const ZOOM = 12;
const PIXEL = 360 / (256 * 2 ** ZOOM); // degrees of longitude
export const BEGIN = 1_700_000_000_000;
const VIEW = { w: 1128, h: 688, dpr: 1, pad: 64 };
const OPTIONS = {
  names: [], hidden: new Set(), followed: null, interpolate: false, labels: false, staleAfter: 60_000, lostAfter: 600_000,
  ground: 'light', ink: '#222222', paper: '#ffffff', trailsVersion: 0, styles: new Map(), widths: new Map(), arrows: true,
  circles: true, shape: 'disc', clock: 'time',
};

/** Return the class of towns whose renderer is what `load` brings by the names of its modules. */
export async function townOf(load) {
  const { Painter } = await load('painter.js');
  const { Store } = await load('store.js');
  const { Display } = await load('display.js');
  const { Heads } = await load('heads.js');
  const { MemberPaint } = await load('paint.js');
  const { xOf, yOf } = await load('projection.js');

  /** Members who wander about a town, with `steps` fixes each, and the view of them. */
  return class Town {
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
      const { painter, store, display, paint, heads } = this;
      const { bitmap, isPending } = painter.draw(store, display, window, OPTIONS, paint, heads, now);
      bitmap.close();
      return isPending;
    }

    look(change) { this.painter.setView(Object.assign(this.view, change)); }

    finish() { while (this.draw()); }
  };
}
