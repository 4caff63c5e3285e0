// The widgets' classes, made from the page's Leaflet and ipyleaflet.

import { EarlyMessages } from './early.js';
import { createOverlay } from './overlay.js';
import { acquire, release } from './session.js';
import { createPanels } from './panels.js';
import { createGround } from './ground.js';
import { loadStyle } from './style.js';

const MODULE = 'locshare-ext';
const VERSION = '^0.1.0';

/** What shows where people are: it belongs to the page alone, never into a saved notebook. */
const PRIVATE = ['center', 'zoom', 'north', 'south', 'east', 'west', 'top', 'bottom', 'left', 'right', 'window_url'];

export function createWidgets(L, bridge) {
  loadStyle();
  const Overlay = createOverlay(L);

  class TrailLayerModel extends bridge.LeafletLayerModel {
    defaults() {
      return {
        ...super.defaults(), _model_name: 'TrailLayerModel', _view_name: 'TrailLayerView',
        _model_module: MODULE, _view_module: MODULE, _model_module_version: VERSION, _view_module_version: VERSION,
        title: '', mode: 'live', trail: 600, interpolate: true, labels: true, arrows: true, accuracy_circles: true,
        shape: 'disc', legend: true, units: {}, styles: {}, hidden: [], followed: null, stale_after: 60, lost_after: 600, gap_after: 120,
        color_by: 'member', color_range: [], clock: 'time', panels: [], fit: false, is_fitted: false,
      };
    }

    initialize(attributes, options) {
      super.initialize(attributes, options);
      // the kernel may speak before there is a view, and not hear this page before its cell ends
      this.early = new EarlyMessages(this);
    }
  }

  class TrailLayerView extends bridge.LeafletLayerView {
    create_obj() {
      const session = this.session = acquire(this.model);
      this.obj = new Overlay(session, (map, overlay) => createPanels(L, map, overlay, session));
      // ipyleaflet's map goes without a word to its layers
      this.map_view?.once?.('remove', () => {
        this.remove();
        if (this.map_view.model instanceof GroupMapModel) this.map_view.obj?.remove();
      });
    }

    remove() {
      if (this.isRemoved) return this;
      this.isRemoved = true;
      super.remove();
      this.obj?.remove();
      release(this.model);
      return this;
    }
  }

  class GroupMapModel extends bridge.LeafletMapModel {
    defaults() {
      return { ...super.defaults(), _model_name: 'GroupMapModel', _model_module: MODULE, _model_module_version: VERSION };
    }

    /** Return the state that is saved with the notebook. */
    get_state(dropDefaults) {
      const state = super.get_state(dropDefaults);
      for (const name of PRIVATE) delete state[name];
      return state;
    }
  }
  GroupMapModel.serializers = bridge.LeafletMapModel.serializers;

  return { TrailLayerModel, TrailLayerView, GroupMapModel, ...createGround(L, bridge) };
}
