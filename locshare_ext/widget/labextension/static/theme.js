// Tells the renderer whether it draws on light or dark ground.

const INKS = {
  light: { ground: 'light', ink: '#1a1a1a', paper: '#ffffff' },
  dark: { ground: 'dark', ink: '#f2f2f2', paper: '#1c1c1c' },
};

export const isDarkTheme = () => document.body.dataset.jpThemeLight === 'false';

/** Return our ground layer on a map, null when it has another. */
export function groundOf(map) {
  let found = null;
  map.eachLayer(layer => { if (layer.isLocshareGround) found = layer; });
  return found;
}

export function watchTheme({ map, session }) {
  let current = null;
  const update = () => {
    const ground = groundOf(map);
    const isDark = isDarkTheme() && (!ground || ground.isDark());
    if (current !== isDark) session.setGround(isDark, INKS[isDark ? 'dark' : 'light']);
    current = isDark;
  };
  const observer = new MutationObserver(update);
  observer.observe(document.body, { attributes: true, attributeFilter: ['data-jp-theme-light'] });
  map.on('locshareground layeradd', update);
  update();
  return () => {
    observer.disconnect();
    map.off('locshareground layeradd', update);
  };
}
