// Elements: made and changed by their text alone, so that no name or note is ever markup.

export const at = id => document.getElementById(id);

/** Return a new element; text is shown as it is. */
export function make(tag, text = '', name = '') {
  const made = document.createElement(tag);
  made.textContent = text;
  if (name) made.className = name;
  return made;
}

/** Set an element's text if it is another: screen readers read what changes, and only that. */
export function say(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/** Return a button; it is at rest until its work is done. */
export function button(text, work, name = '') {
  const made = make('button', text, name);
  made.type = 'button';
  made.addEventListener('click', async () => {
    made.disabled = true;
    try { await work(); } finally { made.disabled = false; }
  });
  return made;
}

/** Have a list show things: each keeps its element, and so the focus, for as long as its key is there. */
export function fill(list, things, key, create, update) {
  list.rows ??= new Map();
  const keys = new Set(things.map(key));
  for (const [old, row] of list.rows) if (!keys.has(old)) { row.remove(); list.rows.delete(old); }
  things.forEach((thing, place) => {
    let row = list.rows.get(key(thing));
    if (!row) list.rows.set(key(thing), row = create(thing));
    row.thing = thing;
    update(row, thing);
    if (list.children[place] !== row) list.insertBefore(row, list.children[place] ?? null);
  });
}

/** Let go of a list's elements: after a change of language they are made anew. */
export function forget(list) {
  list.rows?.clear();
  list.replaceChildren();
}

/** Return a code to scan as a picture; code: `path` and `width` as the server tells. */
export function picture(code, label) {
  const NS = 'http://www.w3.org/2000/svg'; // a name: nothing is fetched
  const svg = document.createElementNS(NS, 'svg');
  svg.setAttribute('viewBox', `0 0 ${code.width} ${code.width}`);
  svg.setAttribute('role', 'img');
  svg.setAttribute('aria-label', label);
  svg.setAttribute('shape-rendering', 'crispEdges');
  const path = document.createElementNS(NS, 'path');
  path.setAttribute('d', code.path);
  svg.append(path);
  return svg;
}
