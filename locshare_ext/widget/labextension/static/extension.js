// The plugin: tells the widget manager where our widgets' code is.

const NAME = 'locshare-ext';
const VERSION = '0.1.0';

/** Return the JupyterLab plugin; `load` gives packages that the page shares. */
export async function createPlugin(load) {
  const { IJupyterWidgetRegistry } = await load('@jupyter-widgets/base');
  return {
    id: `${NAME}:widgets`,
    autoStart: true,
    requires: [IJupyterWidgetRegistry],
    activate(app, registry) {
      registry.registerWidget({ name: NAME, version: VERSION, exports: () => widgets(load) });
    },
  };
}

let made = null;

function widgets(load) {
  // only once a notebook shows one of them: leaflet is large
  made ??= (async () => {
    const [leaflet, bridge, base, module, cards] = await Promise.all([
      load('leaflet'), load('jupyter-leaflet'), load('@jupyter-widgets/base'), import('./widgets.js'), import('./card_widget.js'),
    ]);
    return { ...module.createWidgets(leaflet.default ?? leaflet, bridge), ...cards.createCards(base) };
  })();
  return made;
}
