// An invite's card as a widget of its own, outside any map.

import { showCard } from './card.js';

const MODULE = 'locshare-ext';
const VERSION = '^0.1.0';

/** Return the classes that the lab extension registers; base: the page's @jupyter-widgets/base. */
export function createCards(base) {
  class InviteCardModel extends base.DOMWidgetModel {
    defaults() {
      return {
        ...super.defaults(), _model_name: 'InviteCardModel', _view_name: 'InviteCardView',
        _model_module: MODULE, _view_module: MODULE, _model_module_version: VERSION, _view_module_version: VERSION,
      };
    }
  }

  class InviteCardView extends base.DOMWidgetView {
    render() {
      super.render();
      this.end = showCard(this.model, this.el);
    }

    remove() {
      this.end?.();
      super.remove();
    }
  }

  return { InviteCardModel, InviteCardView };
}

/** Return what anywidget wants, where no lab extension is loaded. */
export function createBeside() {
  return { render: ({ model, el }) => showCard(model, el) };
}
