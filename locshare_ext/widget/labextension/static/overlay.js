// The Leaflet layer: keeps the renderer's picture in its place on the map.

const PADDING = 64; // css px drawn beyond the map's edges, so that a drag finds something there

/** Return the class of our Leaflet layer, made from the page's Leaflet. */
export function createOverlay(L) {
  return L.Layer.extend({
    options: { pane: 'overlayPane' },

    initialize(session, onMap) {
      this.session = session;
      this.onMap = onMap; // called with the map when there is one; returns what undoes it
    },

    onAdd(map) {
      const canvas = this.canvas = L.DomUtil.create('canvas', 'leaflet-layer leaflet-zoom-animated locshare-canvas');
      canvas.setAttribute('aria-hidden', 'true');
      this.getPane().appendChild(canvas);
      this.context = canvas.getContext('bitmaprenderer');
      this.isBusy = false;
      this.isElsewhere = true;
      this.id = this.session.attach(this);
      this.resetView();
      this.undo = this.onMap?.(map, this);
    },

    onRemove() {
      cancelAnimationFrame(this.request);
      clearTimeout(this.later);
      this.request = this.later = null;
      this.undo?.();
      this.session.detach(this.id);
      this.canvas.remove();
    },

    getEvents() {
      return {
        moveend: this.resetView, resize: this.resetView, viewreset: this.resetView, zoomend: this.endZoom,
        zoomanim: this.beginZoom, zoom: this.place, move: this.duringMove,
      };
    },

    /** Have another part of the world drawn, from the next picture on. */
    resetView() {
      this.isElsewhere = true;
      this.wake();
    },

    /** Tell the renderer which part of the world is wanted. */
    tellView() {
      const map = this._map;
      const size = map.getSize();
      const dpr = Math.min(window.devicePixelRatio || 1, 3);
      const corner = map.getPixelBounds().min;
      const [ox, oy] = [corner.x, corner.y].map(edge => Math.floor((edge - PADDING) * dpr)); // whole device px
      const z = map.getZoom();
      this.isElsewhere = false;
      this.session.worker.postMessage({ op: 'view', view: this.id, geometry: {
        z, dpr, ox, oy, pad: PADDING * dpr, world: map.options.crs.scale(z) * dpr,
        w: Math.max(1, Math.round((size.x + 2 * PADDING) * dpr)),
        h: Math.max(1, Math.round((size.y + 2 * PADDING) * dpr)),
      } });
    },

    duringMove() {
      if (!this._map._animatingZoom) this.resetView();
    },

    beginZoom({ center, zoom }) {
      this.target = { center, zoom };
      this.place();
    },

    endZoom() {
      this.target = null;
      this.place();
    },

    /** Put the last picture where it belongs on the map of now, scaled if it is of another zoom. */
    place() {
      const map = this._map;
      const shown = this.shown;
      if (!map || !shown) return;
      const { center, zoom } = this.target ?? { center: map.getCenter(), zoom: map.getZoom() };
      const scale = map.getZoomScale(zoom, shown.z);
      const origin = map._getNewPixelOrigin(center, zoom);
      const corner = L.point(shown.ox / shown.dpr, shown.oy / shown.dpr).multiplyBy(scale).subtract(origin);
      L.DomUtil.setTransform(this.canvas, corner, scale);
    },

    wake() {
      if (!this.request && this.canvas) this.request = requestAnimationFrame(() => this.tick());
    },

    /** Ask for a picture without waiting for the page's next frame: what is new is seen earlier. */
    hurry() {
      if (!this.canvas) return;
      if (document.hidden) this.wake(); // then there are no frames, until somebody looks
      else this.tick();
    },

    tick() {
      cancelAnimationFrame(this.request);
      this.request = null;
      clearTimeout(this.later);
      const moment = this.session.moment();
      if (moment === null) return;
      if (this.isBusy) {
        this.isBehind = true; // asked for while the last one is being drawn
        return;
      }
      this.isBusy = true;
      this.isBehind = false;
      if (this.isElsewhere) this.tellView();
      this.session.worker.postMessage({ op: 'draw', view: this.id, ...moment });
    },

    /** Try again after a picture that could not be drawn. */
    fail() {
      this.isBusy = false;
      clearTimeout(this.later);
      this.later = setTimeout(() => this.wake(), 1000);
    },

    /** Show a frame that the renderer has drawn. */
    show({ bitmap, geometry, isMoving, isPending }) {
      this.isBusy = false;
      if (!this._map) {
        bitmap.close();
        return;
      }
      const { canvas } = this;
      if (canvas.width !== geometry.w || canvas.height !== geometry.h) {
        canvas.width = geometry.w;
        canvas.height = geometry.h;
      }
      canvas.style.width = `${geometry.w / geometry.dpr}px`;
      canvas.style.height = `${geometry.h / geometry.dpr}px`;
      this.shown = geometry;
      this.context.transferFromImageBitmap(bitmap);
      this.place();
      if (this.isBehind || isPending) this.hurry();
      else if (isMoving || this.session.clock.state === 'playing') this.wake();
      else if (this.session.clock.state === 'live') this.later = setTimeout(() => this.wake(), 1000);
    },
  });
}
