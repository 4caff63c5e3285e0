// A tool to invite somebody: the kernel does it, and the card is shown here until the window closes.

import { fill as fillCard } from './card.js';
import { button, icon, ICONS, make, setText } from './dom.js';
import { ask } from './errands.js';
import { t } from './language.js';
import { Popover } from './popover.js';

const PERIOD = 2000; // ms between questions whether somebody has come
const OVER = ['here', 'revoked'];

/** Return {element, close}: the tool, for who may manage the group. */
export function createInviter(context) {
  const { session } = context;
  const opener = button({ className: 'locshare-invite-tool', title: t('invite.title'), label: t('invite.title') }, icon(ICONS.invite));
  const popover = new Popover(context, opener, t('invite.title'), body => fill(body, session));
  const update = () => { opener.hidden = !session.told.keeping?.may_invite; };
  const undo = session.on('told:keeping', update);
  update();
  return { element: opener, close: () => { undo(); popover.remove(); } };
}

function fill(body, session) {
  const said = make('p', { className: 'locshare-pop-said', attributes: { role: 'status' } });
  const place = make('div', { className: 'locshare-invite-card' });
  const form = formOf(session, said, place);
  body.append(form.element, said, place);
  return () => {
    form.end();
    place.replaceChildren();
  };
}

function formOf(session, said, place) {
  const name = make('input', { label: t('invite.name'), attributes: { type: 'text', maxlength: 64, autocomplete: 'off', placeholder: t('card.anyone') } });
  const go = button({ className: 'locshare-primary', text: t('invite.go'), attributes: { type: 'submit' } });
  const life = { isOver: false, undo: () => {} };
  const submit = async event => {
    event.preventDefault();
    if (go.disabled) return;
    go.disabled = true;
    setText(said, '');
    life.undo();
    place.replaceChildren();
    let showStatus = null;
    const undo = session.on('card', card => {
      const element = make('section', { className: 'locshare-card' });
      place.replaceChildren(element);
      showStatus = fillCard(element, card);
    });
    life.undo = undo;
    const { why, done } = await ask(session, 'invite', { member: name.value.trim(), page: session.feed.page }, () => setText(said, t('dialog.waiting')));
    undo();
    go.disabled = false;
    if (life.isOver) return;
    setText(said, why ? t('invite.failed', { why }) : '');
    if (showStatus !== null) life.undo = watch(session, done, showStatus);
  };
  const element = make('form', { className: 'locshare-pop-row', on: { submit } }, name, go);
  return { element, end: () => { life.isOver = true; life.undo(); } };
}

/** Ask again and again whether somebody has come with an invite; returns what ends that. */
function watch(session, id, show) {
  let isOver = false;
  let timer = null;
  const look = async () => {
    const { why, done } = await ask(session, 'arrival', { id });
    if (isOver) return;
    show(why === null ? done : { state: 'away', reason: why });
    if (why !== null || !OVER.includes(done.state)) timer = setTimeout(look, PERIOD);
  };
  look();
  return () => { isOver = true; clearTimeout(timer); };
}
