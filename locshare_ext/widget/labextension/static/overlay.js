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
      this.root = L.DomUtil.create('div', 'leaflet-layer leaflet-zoom-animated locshare-picture');
      const canvas = this.canvas = L.DomUtil.create('canvas', 'locshare-canvas', this.root);
      canvas.setAttribute('aria-hidden', 'true');
      this.getPane().appendChild(this.root);
      this.context = canvas.getContext('bitmaprenderer');
      this.isElsewhere = true;
      this.isUnfinished = false; // whether another picture differs though nothing comes
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
      this.root.remove();
    },

    getEvents() {
      return {
        moveend: this.resetView, resize: this.resetView, viewreset: this.jump, zoomend: this.endZoom,
        zoomanim: this.beginZoom, zoom: this.place, move: this.duringMove,
      };
    },

    /** Have another part of the world drawn, from the next picture on. */
    resetView() {
      this.isElsewhere = true;
      this.wake();
    },

    /** Return which part of the world is wanted: during the animation of a zoom, that of its end. */
    geometry() {
      const map = this._map;
      const size = map.getSize();
      const dpr = Math.min(window.devicePixelRatio || 1, 3);
      const z = this.target?.zoom ?? map.getZoom();
      const corner = this.target
        ? map._getNewPixelOrigin(this.target.center, z).subtract(map.getPixelOrigin()).add(map.getPixelBounds().min)
        : map.getPixelBounds().min;
      const [ox, oy] = [corner.x, corner.y].map(edge => Math.floor((edge - PADDING) * dpr)); // whole device px
      return {
        z, dpr, ox, oy, pad: PADDING * dpr, world: map.options.crs.scale(z) * dpr,
        w: Math.max(1, Math.round((size.x + 2 * PADDING) * dpr)),
        h: Math.max(1, Math.round((size.y + 2 * PADDING) * dpr)),
      };
    },

    duringMove() {
      if (!this._map._animatingZoom) this.resetView();
    },

    jump() {
      this.target = this.ground = null;
      this.place();
      this.resetView();
    },

    /**
     * Let what is shown go along with the animation, which is that of the root: pictures that come
     * meanwhile are of its end, and are put where they belong on the map as it was at its beginning.
     */
    beginZoom({ center, zoom }) {
      const map = this._map;
      if (!map._animatingZoom) return this.jump();
      this.target = { center, zoom };
      if (this.ground) {
        const scale = map.getZoomScale(zoom, this.ground.z);
        const corner = this.ground.origin.multiplyBy(scale).subtract(map._getNewPixelOrigin(center, zoom));
        L.DomUtil.setTransform(this.root, corner, scale);
      }
      this.resetView();
    },

    endZoom() {
      this.target = null;
      this.place();
    },

    /**
     * Return whether the root is on its way: Leaflet ends a zoom by the clock, while what it moved goes
     * on to where it was sent if the page began to draw that late.
     */
    isGliding() {
      return this.root.getAnimations().length > 0;
    },

    /** Put the last picture where it belongs on the map of now, scaled if it is of another zoom. */
    place() {
      const { _map: map, shown } = this;
      if (!map || !shown) return;
      if (!this.ground || (!this.target && !this.isGliding())) {
        this.ground = { z: map.getZoom(), origin: map.getPixelOrigin() };
        L.DomUtil.setTransform(this.root, L.point(0, 0), 1);
      }
      const { z, origin } = this.ground;
      const scale = map.getZoomScale(z, shown.z);
      const corner = L.point(shown.ox / shown.dpr, shown.oy / shown.dpr).multiplyBy(scale).subtract(origin);
      L.DomUtil.setTransform(this.canvas, corner, scale);
    },

    wake() {
      if (!this.request && this.canvas) this.request = requestAnimationFrame(() => this.tick());
    },

    /** Ask for a picture without waiting for the page's next frame: what is new is seen earlier. */
    hurry() {
      if (!this.canvas) return;
      // with frames that are due anyway it would be drawn twice; and there are none until somebody looks
      if (this.request || document.hidden) this.wake();
      else this.tick();
    },

    /**
     * Ask for a picture. The renderer draws what was asked for last, so that it can be asked while it
     * draws, and is never idle while there is something to be drawn.
     */
    tick() {
      cancelAnimationFrame(this.request);
      this.request = null;
      clearTimeout(this.later);
      const moment = this.session.moment();
      if (moment === null) return;
      const question = { op: 'draw', view: this.id, ...moment };
      if (this.isElsewhere) question.geometry = this.geometry();
      this.isElsewhere = false;
      this.session.worker.postMessage(question);
      if (this.isUnfinished || this.session.clock.state === 'playing') this.wake();
    },

    /** Try again after a picture that could not be drawn. */
    fail() {
      this.isUnfinished = false;
      clearTimeout(this.later);
      this.later = setTimeout(() => this.wake(), 1000);
    },

    /** Show a frame that the renderer has drawn. */
    show({ bitmap, geometry, isMoving, isPending }) {
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
      this.isUnfinished = isMoving || isPending;
      if (isPending && !document.hidden) this.tick();
      else if (this.isUnfinished || this.session.clock.state === 'playing') this.wake();
      else if (this.session.clock.state === 'live') {
        clearTimeout(this.later);
        this.later = setTimeout(() => this.wake(), 1000);
      }
    },
  });
}
