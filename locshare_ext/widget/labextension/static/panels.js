// Puts together what a map shows beside its members, as the layer's `panels` ask.

import { createCalls } from './calls.js';
import { isolate } from './dom.js';
import { fitFirst, fitOnDemand } from './fit.js';
import { createFollower } from './follow.js';
import { offerImage } from './image.js';
import { createLegend } from './legend.js';
import { createMembers } from './members.js';
import { createNoteMarks } from './note_marks.js';
import { createStatus } from './status.js';
import { watchTheme } from './theme.js';
import { createTimeline } from './timeline.js';
import { createTools } from './tools.js';
import { createTooltip } from './tooltip.js';

const MAKERS = { timeline: createTimeline, members: createMembers, tools: createTools, status: createStatus };

/** Put the panels on a map; returns the function that takes them off again. */
export function createPanels(L, map, overlay, session) {
  const context = { L, map, overlay, session, isolate: element => isolate(L, element) };
  map.getContainer().classList.add('locshare-map');
  const undo = [watchSize(map.getContainer()), watchTheme(context), createTooltip(context), createLegend(context), createFollower(context), fitFirst(context), fitOnDemand(context), offerImage(context), createCalls(context)];
  if (session.model.get('panels').includes('tools')) undo.push(addScale(L, map));
  if (session.model.get('panels').includes('timeline')) undo.push(createNoteMarks(context));
  for (const name of session.model.get('panels')) if (MAKERS[name]) undo.push(MAKERS[name](context));
  return () => {
    for (const step of undo) step();
  };
}

function addScale(L, map) {
  const scale = L.control.scale({ imperial: false, position: 'bottomleft', maxWidth: 110 });
  map.addControl(scale);
  return () => map.removeControl(scale);
}

/** Let the style sheet know the map's height: lists and messages scroll within it. */
function watchSize(container) {
  const observer = new ResizeObserver(() => {
    const above = parseFloat(container.style.getPropertyValue('--locshare-calls')) || 0; // calls for help
    container.style.setProperty('--locshare-height', `${container.clientHeight - above}px`);
  });
  observer.observe(container);
  return () => observer.disconnect();
}
