// A small window beside a tool: one at a time, closed by Escape, its button, or a click elsewhere.

import { button, icon, ICONS, make } from './dom.js';
import { t } from './language.js';

let count = 0;

export class Popover {
  /** opener: the button that it belongs to; fill(body): called at each opening, returns what undoes it. */
  constructor({ map, isolate }, opener, title, fill) {
    this.map = map;
    this.opener = opener;
    this.fill = fill;
    this.body = make('div', { className: 'locshare-pop-body' });
    const close = button({ className: 'locshare-pop-close', title: t('dialog.close'), label: t('dialog.close'), on: { click: () => this.close() } }, icon(ICONS.close));
    const id = `locshare-pop-${++count}`;
    this.element = make('div', {
      className: 'locshare-panel locshare-pop', attributes: { role: 'dialog', 'aria-labelledby': id },
      on: { keydown: event => { if (event.key === 'Escape') this.close(); } },
    }, make('div', { className: 'locshare-pop-head' }, make('h2', { text: title, attributes: { id } }), close), this.body);
    this.element.hidden = true;
    isolate(this.element);
    opener.setAttribute('aria-haspopup', 'dialog');
    opener.setAttribute('aria-expanded', 'false');
    opener.addEventListener('click', () => { if (this.isOpen) this.close(); else this.open(); });
    map.getContainer().append(this.element);
  }

  #undo = null;
  #away = () => this.close(false);

  get isOpen() { return !this.element.hidden; }

  open() {
    this.map.fire('locsharepop', { popover: this });
    this.element.hidden = false;
    this.opener.setAttribute('aria-expanded', 'true');
    this.body.replaceChildren();
    this.#undo = this.fill(this.body) ?? null;
    (this.body.querySelector('textarea, input, button') ?? this.element.querySelector('button')).focus({ preventScroll: true });
    this.map.on('click', this.#away).on('locsharepop', this.#away);
  }

  /** Close it; the focus goes back to where it came from, unless another has taken it. */
  close(isFocusing = true) {
    if (!this.isOpen) return;
    this.map.off('click', this.#away).off('locsharepop', this.#away);
    this.#undo?.();
    this.#undo = null;
    this.element.hidden = true;
    this.opener.setAttribute('aria-expanded', 'false');
    if (isFocusing) this.opener.focus({ preventScroll: true });
  }

  remove() {
    this.close(false);
    this.element.remove();
  }
}
