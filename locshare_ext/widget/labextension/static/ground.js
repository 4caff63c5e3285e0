// What lies under the members: map tiles when they can be had, else a grid of degrees.

import { urlOf } from './assets.js';
import { createGraticule } from './graticule.js';

const FAILURES = 4; // tiles in a row that cannot be loaded
const AGAIN = [30000, 60000, 120000, 300000]; // ms until the next question whether they can

export function createGround(L, bridge) {
  const Graticule = createGraticule(L);

  const Ground = L.Layer.extend({
    isLocshareGround: true,

    initialize(url, { isOn, darken, ...options }) {
      this.tiles = url ? L.tileLayer(url, options) : null;
      this.graticule = new Graticule();
      this.isOn = isOn && this.tiles !== null;
      this.darken = darken;
      this.state = 'unknown'; // asking, ready, failed
      this.tries = 0;
      this.failures = 0;
      this.tiles?.on('tileload', () => { this.failures = 0; });
      this.tiles?.on('tileerror', () => { if (++this.failures >= FAILURES) this.fail(); });
      this.askAgain = () => this.ask();
    },

    onAdd(map) {
      window.addEventListener('online', this.askAgain);
      this.update();
      if (this.isOn && this.state !== 'ready') this.ask();
      map.fire('locshareground');
    },

    onRemove() {
      window.removeEventListener('online', this.askAgain);
      clearTimeout(this.timer);
      this.tiles?.remove();
      this.graticule.remove();
    },

    toggle() {
      this.isOn = !this.isOn && this.tiles !== null;
      this.tries = 0;
      if (this.isOn && this.state !== 'ready') this.ask();
      this.update();
      this.onToggle?.(this.isOn);
    },

    /** Whether names must be light to be read on it. */
    isDark() {
      return !this.isShowingTiles() || this.darken;
    },

    isShowingTiles() {
      return this.isOn && this.state === 'ready';
    },

    setOpacity(opacity) { this.tiles?.setOpacity(opacity); },
    setUrl(url) { this.tiles?.setUrl(url); },
    refresh() {},
    redraw() { this.tiles?.redraw(); },

    /** Ask for one tile: without internet no dozens of requests fail, one does. */
    async ask() {
      clearTimeout(this.timer);
      if (!this._map || !this.isOn || this.state === 'asking') return;
      this.state = 'asking';
      const isThere = navigator.onLine !== false && await canLoad(this.firstTile());
      if (!isThere) this.fail();
      else {
        this.state = 'ready';
        this.tries = this.failures = 0;
        this.update();
      }
    },

    fail() {
      this.state = 'failed';
      this.failures = 0;
      this.update();
      clearTimeout(this.timer);
      this.timer = setTimeout(() => this.ask(), AGAIN[Math.min(this.tries++, AGAIN.length - 1)]);
    },

    update() {
      const map = this._map;
      if (!map) return;
      const [shown, other] = this.isShowingTiles() ? [this.tiles, this.graticule] : [this.graticule, this.tiles];
      if (other && map.hasLayer(other)) map.removeLayer(other);
      if (!map.hasLayer(shown)) map.addLayer(shown);
      map.getContainer().classList.toggle('locshare-darken', this.isShowingTiles() && this.darken);
      map.fire('locshareground');
    },

    firstTile() {
      const { tiles } = this;
      return L.Util.template(tiles._url, { ...tiles.options, s: tiles.options.subdomains?.[0] ?? 'a', r: '', x: 0, y: 0, '-y': 0, z: 0 });
    },
  });

  class GroundModel extends bridge.LeafletTileLayerModel {
    defaults() {
      return {
        ...super.defaults(), _model_name: 'GroundModel', _view_name: 'GroundView', _model_module: 'locshare-ext',
        _view_module: 'locshare-ext', is_on: true, darken: false,
      };
    }
  }

  class GroundView extends bridge.LeafletTileLayerView {
    create_obj() {
      const { model } = this;
      this.obj = new Ground(model.get('url'), { ...this.get_options(), isOn: model.get('is_on'), darken: model.get('darken') });
      this.obj.onToggle = isOn => {
        model.set('is_on', isOn);
        model.save_changes();
      };
    }

    leaflet_events() {} // each loaded tile would be told to the kernel
  }

  return { GroundModel, GroundView };
}

/** Resolve whether a tile can be had; asked in a worker, where failing is no error on the page. */
function canLoad(url) {
  return new Promise(resolve => {
    const worker = new Worker(urlOf('probe.js'));
    const finish = isThere => {
      worker.terminate();
      resolve(isThere);
    };
    worker.onmessage = ({ data }) => finish(data);
    worker.onerror = () => finish(false);
    worker.postMessage(url);
  });
}

