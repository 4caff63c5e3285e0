// Where the files beside these modules are. A front end without our lab extension has them as texts:
// there `beside.py` puts another module in this one's place.

/** Return the address of a file of this folder. */
export const urlOf = name => new URL(`./${name}`, import.meta.url).href;
