// Reads server-sent events out of pieces of text, as the HTML standard defines them (9.2).

export class EventReader {
  constructor() { this.rest = ''; }

  /** Take a piece of text; returns the events that are whole now, [{type, data, id}]. */
  take(text) {
    const whole = (this.rest + text).replace(/\r\n?/g, '\n');
    const blocks = whole.split('\n\n');
    this.rest = blocks.pop();
    return blocks.map(parsed).filter(event => event.data !== null);
  }
}

function parsed(block) {
  const event = { type: 'message', data: null, id: null };
  for (const line of block.split('\n')) {
    const [, name, value] = /^([^:]*):? ?(.*)$/.exec(line);
    if (name === 'event') event.type = value;
    else if (name === 'id') event.id = value;
    else if (name === 'data') event.data = event.data === null ? value : `${event.data}\n${value}`;
  }
  return event;
}
