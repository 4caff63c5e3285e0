// Where the files beside these modules are. A front end without our lab extension has them as texts:
// there `beside.py` puts another module in this one's place.

export const WORKER = 'module'; // how a worker's code is written

/** Return the address of a file of this folder. */
export const urlOf = name => new URL(`./${name}`, import.meta.url).href;
