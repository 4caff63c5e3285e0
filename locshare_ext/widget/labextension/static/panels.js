export function createPanels(L, map, overlay, session) { return () => {}; }
