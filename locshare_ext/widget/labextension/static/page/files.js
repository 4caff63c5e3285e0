// Where the worker is: its code lies in the page as text.

export const WORKER = 'classic'; // a module would have to be of the page's origin, and a file has none

/** Return the address of a file that the page holds. */
export const urlOf = name => URL.createObjectURL(new Blob([document.getElementById(name).textContent], { type: 'text/javascript' }));
