// Asks the kernel to do something for a person, and says what became of it.

import { worded } from './saying.js';

const PATIENCE = 1500; // ms after which people are told that the kernel has not come to it yet

let asked = 0;

/**
 * Ask for something; resolves with {why, done}: why nothing came of it, null when it was done, and what it made.
 * onWait: called when that takes long: the kernel reads it when the cell that is running ends.
 */
export function ask(session, what, more, onWait = () => {}) {
  const name = `${session.feed.page}-${++asked}`;
  return new Promise(resolve => {
    const timer = setTimeout(onWait, PATIENCE);
    const undo = session.on('told:answer', said => {
      if (said.name !== name) return;
      clearTimeout(timer);
      undo();
      resolve({ why: said.error && worded(said.error), done: said.done });
    });
    session.feed.tell({ op: 'ask', what, name, ...more });
  });
}
