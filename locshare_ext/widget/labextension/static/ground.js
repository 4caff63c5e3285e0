export function createGround(L, bridge) { return {}; }
