// What of the trails need not be drawn: what is out of view, or lies where all is drawn already.

import { WIDE } from './blocks.js';
import { eastward } from './projection.js';

const NEAREST = 0.6; // px below which a fix adds nothing to a smooth line
const NEAREST_HARD = 0.9; // and to one that is drawn pixel by pixel
const SLACK = 1; // px that a place may be off, as nearest ones are left out

/** Return how near to a line's beginning its end is not seen, px. */
export const nearestOf = ({ isHard }) => (isHard ? NEAREST_HARD : NEAREST);

export class Field {
  /** drawn: a box of the view without need, px, or null; brush: {width, edge, isHard} of the lines. */
  constructor({ w, h, scale, ox, oy, world }, drawn, brush) {
    const { width, edge } = brush;
    this.nearest = nearestOf(brush);
    const reach = width + edge;
    const low = -reach - SLACK;
    Object.assign(this, { scale, ox, oy, world, low, right: w + reach + SLACK, bottom: h + reach + SLACK });
    this.drawn = drawn && {
      left: drawn.left + reach, top: drawn.top + reach, right: drawn.right - reach, bottom: drawn.bottom - reach,
    };
  }

  /** Whether a line is drawn already. */
  isDrawn(x0, y0, x1, y1) {
    return this.drawn !== null && this.#isInside(x0, y0) && this.#isInside(x1, y1);
  }

  /** Whether a block (see Blocks) is out of view or drawn, seen from one of its ends at px x, which is `units`. */
  isAway(blocks, block, x, units) {
    return this.#isAway(blocks, block, x + eastward(units, blocks.west[block]) * this.scale);
  }

  /** Whether all of a member, by its box (see Newest), is out of view or drawn. */
  isFar(boxes, id) {
    return this.#isAway(boxes, id, boxes.west[id] * this.scale - this.ox);
  }

  #isAway(blocks, block, left) {
    const { scale, oy, world, low } = this;
    if (blocks.width[block] === WIDE) return false;
    const top = blocks.north[block] * scale - oy;
    const bottom = blocks.south[block] * scale - oy;
    if (top > this.bottom || bottom < low) return true;
    const right = left + blocks.width[block] * scale;
    const isInView = Math.ceil((low - right) / world) <= Math.floor((this.right - left) / world); // on a copy of the world
    return !isInView || this.isDrawn(left - SLACK, top - SLACK, right + SLACK, bottom + SLACK);
  }

  /** Whether no fix of a block is far enough from a place to be seen; x: px, `units` in the world; y: px. */
  isNear(blocks, block, x, y, units) {
    const { scale, oy, nearest } = this;
    const wide = blocks.width[block] * scale;
    if (wide >= 2 * nearest) return false;
    const west = eastward(units, blocks.west[block]) * scale;
    const [north, south] = [blocks.north[block] * scale - oy - y, blocks.south[block] * scale - oy - y];
    return west > -nearest && west + wide < nearest && north > -nearest && south < nearest;
  }

  #isInside(x, y) {
    const { left, top, right, bottom } = this.drawn;
    return x > left && x < right && y > top && y < bottom;
  }
}
