// Our style sheet, once per page.

import { urlOf } from './assets.js';

export function loadStyle() {
  const href = urlOf('style.css');
  if (document.querySelector(`link[href="${href}"]`)) return;
  const link = document.createElement('link');
  link.rel = 'stylesheet';
  link.href = href;
  document.head.appendChild(link);
}
