// The module-federation container of this extension, written by hand so that nothing has to be
// built: JupyterLab, Notebook 7 and Voila load this script, call init() with the shared packages,
// and get() the plugin. Everything else is plain ES modules beside it.
(() => {
  const base = document.currentScript.src.replace(/[^/]*$/, '');
  let shared;

  const versionParts = text => text.split('.').map(part => parseInt(part, 10) || 0);
  const newestFirst = (a, b) => {
    const [left, right] = [versionParts(a), versionParts(b)];
    return right[0] - left[0] || right[1] - left[1] || right[2] - left[2];
  };

  async function load(name) {
    const versions = shared[name];
    if (!versions) throw new Error(`locshare-ext needs ${name}, which this page does not share`);
    const newest = Object.keys(versions).sort(newestFirst)[0];
    return (await versions[newest].get())();
  }

  window._JUPYTERLAB = window._JUPYTERLAB || {};
  window._JUPYTERLAB['locshare-ext'] = {
    init(scope) { shared = scope; },
    async get() {
      const { createPlugin } = await import(`${base}extension.js`);
      const plugin = await createPlugin(load);
      return () => ({ __esModule: true, default: plugin });
    },
  };
})();
