// Small helpers for what people see. Text is only ever set as text: names are hostile input.

import { locale } from './language.js';

/** Return a new element; `options`: className, text, title, label (aria), attributes, and listeners in `on`. */
export function make(tag, options = {}, ...children) {
  const element = document.createElement(tag);
  const { className, text, title, label, attributes = {}, on = {} } = options;
  if (className) element.className = className;
  if (text !== undefined) element.textContent = text;
  if (title) element.title = title;
  if (label) element.setAttribute('aria-label', label);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  for (const [name, listener] of Object.entries(on)) element.addEventListener(name, listener);
  element.append(...children);
  return element;
}

export function button(options, ...children) {
  return make('button', { ...options, attributes: { type: 'button', ...options.attributes } }, ...children);
}

/** Return a select of [value, text] pairs. */
export function select(options, choices, value) {
  const element = make('select', options);
  for (const [choice, text] of choices) {
    element.append(make('option', { text, attributes: { value: choice } }));
  }
  element.value = value;
  return element;
}

/** Return an icon drawn by a path in a 24 x 24 square. */
export function icon(path) {
  const svg = document.createElementNS('http://www.w3.org/2000/svg', 'svg');
  svg.setAttribute('viewBox', '0 0 24 24');
  svg.setAttribute('aria-hidden', 'true');
  const shape = document.createElementNS('http://www.w3.org/2000/svg', 'path');
  shape.setAttribute('d', path);
  svg.append(shape);
  return svg;
}

/** Return lines as paragraphs; what stands in backticks as code. Text only. */
export function paragraphs(text) {
  const lines = text.replace(/\n[ \t]+(?![-\d])/g, ' ').split('\n'); // an indented line goes on with the one before
  return lines.filter(line => line.trim()).map(line => {
    const words = line.split('`').map((part, k) => make(k % 2 ? 'code' : 'span', { text: part }));
    return make('p', {}, ...words);
  });
}

export function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/** Whether the reader wants things to move as little as possible. */
export const isCalm = () => matchMedia('(prefers-reduced-motion: reduce)').matches;

/** Keep an element's clicks, wheel and keys from the map and from JupyterLab's shortcuts. */
export function isolate(L, element) {
  L.DomEvent.disableClickPropagation(element);
  L.DomEvent.disableScrollPropagation(element);
  element.setAttribute('data-lm-suppress-shortcuts', 'true');
  element.lang = locale(); // the page around it may speak another
  element.addEventListener('keydown', event => event.stopPropagation());
}

export const ICONS = {
  play: 'M7 4.5v15l13-7.5z',
  pause: 'M6 4.5h4.2v15H6zM13.8 4.5H18v15h-4.2z',
  back: 'M5 5h2.6v14H5zM20 5v14L9 12z',
  forward: 'M16.4 5H19v14h-2.6zM4 5l11 7-11 7z',
  loop: 'M12 5V1.5L6.8 6.2 12 11V7.4a4.8 4.8 0 0 1 4.8 4.8c0 .8-.2 1.6-.6 2.3l1.8 1.8A7.2 7.2 0 0 0 12 5zM7.2 12.2c0-.8.2-1.6.6-2.3L6 8.1A7.2 7.2 0 0 0 12 19.4V23l5.2-4.8L12 13.4V17a4.8 4.8 0 0 1-4.8-4.8z',
  fit: 'M4 4h6v2.2H6.2V10H4zM14 4h6v6h-2.2V6.2H14zM4 14h2.2v3.8H10V20H4zM17.8 14H20v6h-6v-2.2h3.8zM12 9.3a2.7 2.7 0 1 0 0 5.4 2.7 2.7 0 0 0 0-5.4z',
  tiles: 'M4 5.5 9.3 3.7v14.8L4 20.3zM10.8 3.7l3.9 1.8v14.8l-3.9-1.8zM16.2 5.5 20 3.7v14.8l-3.8 1.8z',
  labels: 'M3.5 18.5 8.4 5.5h2.2l4.9 13h-2.4l-1.2-3.3H7.1l-1.2 3.3zM7.8 13.2h3.4L9.5 8.3zM18.6 9.2c1.9 0 2.9 1 2.9 3v6.3h-1.8v-1.1c-.5.8-1.300 1.300-2.400 1.300-1.600 0-2.600-.9-2.600-2.300 0-1.700 1.300-2.400 3.500-2.400h1.400v-.5c0-1-.4-1.500-1.300-1.500-.8 0-1.300.4-1.400 1.100h-2c.1-1.900 1.500-2.900 3.700-2.900z',
  target: 'M11 2h2v3.100A7 7 0 0 1 18.900 11H22v2h-3.100A7 7 0 0 1 13 18.900V22h-2v-3.100A7 7 0 0 1 5.100 13H2v-2h3.100A7 7 0 0 1 11 5.100zM12 7a5 5 0 1 0 0 10 5 5 0 0 0 0-10zM12 9.800a2.200 2.200 0 1 1 0 4.400 2.200 2.200 0 0 1 0-4.400z',
  members: 'M9 5.200a3.400 3.400 0 1 1 0 6.800 3.400 3.400 0 0 1 0-6.800zM2.500 19c0-3.200 2.900-5.400 6.500-5.400s6.500 2.200 6.500 5.400zM16 6.200a2.800 2.800 0 1 1-.6 5.500 5 5 0 0 0 .6-5.500zM17.300 19h4.200c0-2.700-2-4.600-4.800-4.900a7 7 0 0 1 .6 4.900z',
  invite: 'M9 5.200a3.400 3.400 0 1 1 0 6.800 3.400 3.400 0 0 1 0-6.800zM2.500 19c0-3.200 2.900-5.400 6.500-5.400s6.500 2.200 6.500 5.400zM17.500 7h2v3h3v2h-3v3h-2v-3h-3v-2h3z',
  note: 'M4 3.500h16v12.500h-8l-5 4.500V16H4zM6.200 5.700v8.100h3v1.900l2.200-1.900h6.400V5.700zM8 7.500h8v1.800H8zM8 10.400h5.500v1.800H8z',
  record: 'M12 5a7 7 0 1 1 0 14 7 7 0 0 1 0-14z',
  link: 'M12 5c4 0 7.500 1.600 10 4.100l-1.700 1.700A11.700 11.700 0 0 0 12 7.400c-3.200 0-6.200 1.300-8.300 3.400L2 9.100A14 14 0 0 1 12 5zM12 10.200c2.500 0 4.800 1 6.500 2.600l-1.800 1.700a6.800 6.800 0 0 0-9.400 0l-1.800-1.700A9.400 9.400 0 0 1 12 10.200zM12 15.200c1.100 0 2.100.4 2.900 1.100L12 19.200l-2.900-2.900c.8-.7 1.800-1.100 2.900-1.100z',
  order: 'M8 4v12.2l-3-3-1.400 1.400L9 20l5.400-5.400-1.400-1.400-3 3V4zM16 20V7.800l3 3 1.400-1.400L15 4 9.600 9.400 11 10.800l3-3V20z',
  eye: 'M12 5.500C7 5.500 3.200 9 1.500 12c1.700 3 5.500 6.500 10.500 6.500s8.800-3.500 10.500-6.500C20.800 9 17 5.500 12 5.500zM12 16a4 4 0 1 1 0-8 4 4 0 0 1 0 8zM12 9.800a2.200 2.200 0 1 0 0 4.400 2.200 2.200 0 0 0 0-4.400z',
  hidden: 'M3.400 2 2 3.400l3.300 3.300A13.500 13.500 0 0 0 1.500 12c1.700 3 5.500 6.500 10.500 6.500 1.700 0 3.300-.4 4.700-1.100l3.900 3.900 1.400-1.400zM12 16a4 4 0 0 1-3.800-5.300l1.600 1.600a2.200 2.200 0 0 0 1.900 1.900l1.600 1.600c-.4.1-.8.200-1.300.200zM12 5.500c-1.300 0-2.500.2-3.600.6l2.100 2.100A4 4 0 0 1 15.800 13.500l3 3a13.500 13.500 0 0 0 3.700-4.500C20.800 9 17 5.500 12 5.500z',
  more: 'M5 10a2 2 0 1 1 0 4 2 2 0 0 1 0-4zM12 10a2 2 0 1 1 0 4 2 2 0 0 1 0-4zM19 10a2 2 0 1 1 0 4 2 2 0 0 1 0-4z',
  choose: 'M3 5h6v2H5v10h4v2H3zM15 5h6v14h-6v-2h4V7h-4zM8 11h8v2H8z',
  call: 'M12 2.500 23 21.500H1zM11 9.500v6h2v-6zM11 17v2h2v-2z',
  close: 'M6.400 5 12 10.600 17.600 5 19 6.400 13.400 12l5.600 5.600-1.400 1.400L12 13.400 6.400 19 5 17.600 10.600 12 5 6.400z',
};
