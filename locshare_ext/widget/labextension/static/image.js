// A picture of a map for the kernel: tiles, members and legend on one canvas, at any resolution.

import { drawLegend } from './image_legend.js';
import { drawScale } from './image_scale.js';
import { drawGround } from './image_ground.js';

const PART = 1 << 20; // bytes of a message
const WAIT = 5000; // ms for a view that is being made, and fixes that are on their way
const EDGE = 10; // px left free at the edge, or beside the legend
const LOOK = 50; // ms between looks whether they are there

/** Let the kernel ask for pictures of a view's map; returns what ends that. */
export function offerImage({ map, session }) {
  const imager = question => imageOf(map, session, question);
  session.imagers.add(imager);
  return () => session.imagers.delete(imager);
}

/** Answer the kernel's question for a picture: by the first view, in parts; or say why there is none. */
export async function answerImage(session, { ask, head, oldest, ...question }) {
  const end = performance.now() + WAIT;
  const isReady = () => session.imagers.size > 0 && session.feed.isWhole(oldest, head) && !(session.isFitDue && head > oldest);
  while (!isReady() && performance.now() < end) await new Promise(done => { setTimeout(done, LOOK); });
  const [imager] = session.imagers;
  const tell = (content, buffers = []) => session.feed.tellNow({ op: 'image', ask, ...content }, buffers);
  if (!imager) {
    tell({ error: 'unseen' });
    return;
  }
  try {
    await session.ask('members'); // the worker has taken all that came before
    const { blob, tiles } = await imager(question);
    const data = await blob.arrayBuffer();
    const parts = Math.max(1, Math.ceil(data.byteLength / PART));
    for (let part = 0; part < parts; part++) tell({ part, parts, tiles }, [data.slice(part * PART, (part + 1) * PART)]);
  } catch (error) {
    tell({ error: String(error?.message ?? error) });
  }
}

async function imageOf(map, session, { width, height, scale, background, legend, scale_bar: hasBar }) {
  const size = map.getSize();
  const [w, h] = [width ?? size.x, height ?? size.y];
  const zoom = map.getZoom();
  const corner = map.project(map.getCenter(), zoom).subtract([w / 2, h / 2]);
  const canvas = new OffscreenCanvas(Math.round(w * scale), Math.round(h * scale));
  const context = canvas.getContext('2d');
  context.scale(scale, scale);
  const tiles = background ? await drawGround(context, map, { corner, zoom, w, h }) : { wanted: 0, drawn: 0 };
  const moment = session.moment();
  if (moment !== null) {
    const geometry = {
      z: zoom, dpr: scale, ox: Math.round(corner.x * scale), oy: Math.round(corner.y * scale), pad: 0,
      world: map.options.crs.scale(zoom) * scale, w: canvas.width, h: canvas.height,
    };
    const drawn = await session.ask('image', { geometry, ...moment });
    context.save();
    context.resetTransform();
    context.drawImage(drawn, 0, 0);
    context.restore();
    drawn.close();
  }
  const taken = legend ? drawLegend(context, map, session, h) : 0;
  if (hasBar) drawScale(context, map, { corner, zoom, w, h }, taken + EDGE);
  return { blob: await canvas.convertToBlob({ type: 'image/png' }), tiles };
}
