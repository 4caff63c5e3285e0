// Ways in for apps that go on in a pocket: links with the invite filled in, as the invite card has them.

const INTERVAL = 10; // s between fixes: what the apps do by themselves is too sparse to watch
const BOTH = ['ios', 'android'];

/** The apps: their names, and where there are any. */
export const APPS = {
  owntracks: { name: 'OwnTracks', platforms: BOTH },
  traccar: { name: 'Traccar Client', platforms: BOTH },
  overland: { name: 'Overland', platforms: ['ios'] },
  gpslogger: { name: 'GPSLogger', platforms: ['android'] },
  osmand: { name: 'OsmAnd', platforms: ['android'] },
};

/** Return `ios`, `android`, or null for what is no phone, of what a browser says of itself. */
export function platformOf({ userAgent = '', maxTouchPoints = 0 }) {
  if (/android/i.test(userAgent)) return 'android';
  // iPads say that they are a Mac, of which none can be touched
  return /iphone|ipad|ipod/i.test(userAgent) || (/macintosh/i.test(userAgent) && maxTouchPoints > 1) ? 'ios' : null;
}

/**
 * Return [{app, open, paste}], those for a platform first: a link that sets the app up when it is tapped,
 * null where there is none, and an address for its settings. Both are secrets: the token is in them.
 * address: of `locshare/`; member: whom the invite is for.
 */
export function ways(address, token, member, platform = null) {
  const ingest = `${address}in/${token}`;
  const profile = `${ingest}/gpslogger/profile.properties`;
  const found = [
    { app: 'owntracks', open: owntracks(`${ingest}/owntracks`, member), paste: `${ingest}/owntracks` },
    { app: 'traccar', open: traccar(ingest, member), paste: ingest },
    { app: 'overland', open: overland(`${ingest}/overland`, token, member), paste: `${ingest}/overland` },
    { app: 'gpslogger', open: `gpslogger://properties/${profile}`, paste: profile },
    { app: 'osmand', open: null, paste: `${ingest}/osmand?lat={0}&lon={1}&timestamp={2}&accuracy={3}&altitude={4}&speed={5}&bearing={6}` },
  ];
  const isHere = ({ app }) => platform === null || APPS[app].platforms.includes(platform);
  return [...found.filter(isHere), ...found.filter(one => !isHere(one))];
}

function owntracks(url, member) {
  const settings = {
    _type: 'configuration',
    mode: 3, // HTTP
    url,
    auth: false,
    monitoring: 2, // move: every few seconds, and not only when it went far
    locatorInterval: INTERVAL,
    locatorDisplacement: 0,
    extendedData: true, // without it iOS tells neither speed nor accuracy
    deviceId: member,
    tid: [...member.normalize('NFC').toLowerCase()].slice(0, 2).join('').toUpperCase(),
  };
  const bytes = new TextEncoder().encode(JSON.stringify(settings));
  return `owntracks:///config?inline=${encoded(btoa(String.fromCharCode(...bytes)))}`;
}

/** The app takes the same settings by its own scheme as by a code that it scans (its `ConfigurationService`). */
function traccar(url, member) {
  const settings = { url, id: member, accuracy: 'high', interval: INTERVAL, distance: 0, stop_detection: 'false', buffer: 'true' };
  return `org.traccar.client://config?${query(settings)}`;
}

function overland(url, token, member) {
  return `overland://setup?${query({ url, token, device_id: member, unique_id: 'yes' })}`;
}

const query = values => Object.entries(values).map(([name, value]) => `${name}=${encoded(value)}`).join('&');
const encoded = value => encodeURIComponent(value).replace(/[!'()*]/g, mark => `%${mark.charCodeAt(0).toString(16).toUpperCase()}`);
