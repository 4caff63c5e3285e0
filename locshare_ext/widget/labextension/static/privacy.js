// What shows where people are belongs to the page alone, never into a saved notebook.

const PLACES = ['center', 'zoom', 'north', 'south', 'east', 'west', 'top', 'bottom', 'left', 'right', 'window_url'];

/** Return a map's state without where it is. */
export function withoutPlaces(state) {
  for (const name of PLACES) delete state[name];
  return state;
}

/** Have a map that a layer moves saved without where it is. */
export function keepPlaces(mapModel) {
  if (mapModel.isKeepingPlaces) return;
  mapModel.isKeepingPlaces = true;
  const whole = mapModel.get_state.bind(mapModel);
  mapModel.get_state = dropDefaults => withoutPlaces(whole(dropDefaults));
}
