// The route without our lab extension: a widget that any front end can load lies beside a stock layer group,
// and draws in the group's views. The group's model holds the settings and takes the messages.

import { EarlyMessages } from './early.js';
import { loadStyle } from './style.js';
import { createDrawing, guard } from './views.js';

const PREFIX = /^IPY_MODEL_/;

/** Return {initialize, render} as anywidget wants them. */
export function createBeside() {
  loadStyle();
  const drawn = new WeakSet(); // views of groups
  let draw = null;

  async function hostOf(model) {
    if (!model.get('layer')) await new Promise(resolve => model.on('change:layer', resolve));
    const host = await model.widget_manager.get_model(model.get('layer').replace(PREFIX, ''));
    host.early ??= new EarlyMessages(host);
    return host;
  }

  async function drawIn(host) {
    for (const promised of Object.values(host.views ?? {})) {
      const view = await promised;
      if (drawn.has(view)) continue;
      drawn.add(view);
      draw ??= createDrawing(window.L); // Leaflet is there once a map is
      const { overlay, end } = draw(host);
      view.obj.addLayer(overlay);
      guard(host, view.map_view.model);
      view.once('remove', end);
      view.map_view.once('remove', end); // ipyleaflet's map goes without a word to its layers
    }
  }

  return {
    // not to be waited for: the group is made only after its sub-items are
    initialize({ model }) { hostOf(model).catch(error => console.error('locshare:', error)); },
    async render({ model }) { await drawIn(await hostOf(model)); },
  };
}
