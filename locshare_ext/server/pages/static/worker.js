// The service worker: once visited, the page opens without a network. VERSION and FILES stand before this.

const PAGE = new URL('../share', self.location).pathname;
const FOLDER = new URL('./', self.location).pathname;
const OURS = `locshare ${PAGE} `; // other servers may share the origin
const CACHE = OURS + VERSION;

self.addEventListener('install', event => {
  const urls = [PAGE, ...FILES.filter(name => name !== 'share.html').map(name => FOLDER + name)];
  const fresh = urls.map(url => new Request(url, { cache: 'reload' }));
  event.waitUntil(caches.open(CACHE).then(cache => cache.addAll(fresh)).then(() => self.skipWaiting()));
});

self.addEventListener('activate', event => {
  const clean = async () => {
    const names = await caches.keys();
    await Promise.all(names.filter(name => name.startsWith(OURS) && name !== CACHE).map(name => caches.delete(name)));
    await self.clients.claim();
  };
  event.waitUntil(clean());
});

// Only the page and its files: what is asked of the server's data is asked of the server.
self.addEventListener('fetch', event => {
  const { pathname, origin } = new URL(event.request.url);
  if (event.request.method !== 'GET' || origin !== self.location.origin) return;
  if (pathname !== PAGE && !pathname.startsWith(FOLDER)) return;
  const known = caches.open(CACHE).then(cache => cache.match(event.request, { ignoreSearch: true, ignoreVary: true }));
  event.respondWith(known.then(found => found ?? fetch(event.request)));
});
