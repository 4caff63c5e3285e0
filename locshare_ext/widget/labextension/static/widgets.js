// The widgets' classes, made from the page's Leaflet and ipyleaflet.

import { EarlyMessages } from './early.js';
import { createGround } from './ground.js';
import { withoutPlaces } from './privacy.js';
import { loadStyle } from './style.js';
import { createDrawing, guard } from './views.js';

const MODULE = 'locshare-ext';
const VERSION = '^0.1.0';

export function createWidgets(L, bridge) {
  loadStyle();
  const draw = createDrawing(L);

  class TrailLayerModel extends bridge.LeafletLayerModel {
    defaults() {
      return {
        ...super.defaults(), _model_name: 'TrailLayerModel', _view_name: 'TrailLayerView',
        _model_module: MODULE, _view_module: MODULE, _model_module_version: VERSION, _view_module_version: VERSION,
        title: '', mode: 'live', trail: 600, interpolate: true, labels: true, arrows: true, accuracy_circles: true,
        shape: 'disc', legend: true, units: {}, styles: {}, hidden: [], followed: null, stale_after: 60, lost_after: 600, gap_after: 120,
        color_by: 'member', color_range: [], clock: 'time', panels: [], fit: false, is_fitted: false, _snapshot: null,
      };
    }

    initialize(attributes, options) {
      super.initialize(attributes, options);
      // the kernel may speak before there is a view, and not hear this page before its cell ends
      this.early = new EarlyMessages(this);
    }
  }

  // saved as it is: what has no serializer is copied as JSON
  TrailLayerModel.serializers = { ...bridge.LeafletLayerModel.serializers, _snapshot: { serialize: saved => saved } };

  class TrailLayerView extends bridge.LeafletLayerView {
    create_obj() {
      const { overlay, end } = draw(this.model);
      this.obj = overlay;
      this.end = end;
      if (this.map_view?.model) guard(this.model, this.map_view.model);
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
      this.end?.();
      return this;
    }
  }

  class GroupMapModel extends bridge.LeafletMapModel {
    defaults() {
      return { ...super.defaults(), _model_name: 'GroupMapModel', _model_module: MODULE, _model_module_version: VERSION };
    }

    /** Return the state that is saved with the notebook. */
    get_state(dropDefaults) { return withoutPlaces(super.get_state(dropDefaults)); }
  }
  GroupMapModel.serializers = bridge.LeafletMapModel.serializers;

  return { TrailLayerModel, TrailLayerView, GroupMapModel, ...createGround(L, bridge) };
}
