// A participant with @stomp/rx-stomp.
import { RxStomp } from "@stomp/rx-stomp";
import { Versions } from "@stomp/stompjs";
import { connectHeaders, heard, obey, openSocket, options, say } from "./talk.mjs";

const client = new RxStomp();
client.configure({
  webSocketFactory: openSocket,
  stompVersions: new Versions(options.speaks ?? ["1.2", "1.1", "1.0"]),
  connectHeaders,
  heartbeatIncoming: options.heartbeat,
  heartbeatOutgoing: options.heartbeat,
  reconnectDelay: options.reconnectDelay ?? 0,
  splitLargeFrames: options.splitLargeFrames ?? true,
  forceBinaryWSFrames: options.binary,
});
client.serverHeaders$.subscribe((headers) => say({ event: "connected", headers }));
client.stompErrors$.subscribe((frame) => say({ event: "error", headers: frame.headers, body: frame.body }));
client.unhandledReceipts$.subscribe((frame) => say({ event: "receipt", headers: frame.headers }));

const watches = new Map();

obey({
  subscribe: ({ destination, headers }) =>
    watches.set(headers.id, client.watch({ destination, subHeaders: headers }).subscribe(heard)),
  publish: ({ destination, headers, body, binary }) =>
    client.publish({ destination, headers, body, binaryBody: binary && Buffer.from(binary, "base64") }),
  unsubscribe: ({ id }) => watches.get(id).unsubscribe(),
  begin: ({ transaction }) => client.stompClient.begin(transaction),
  commit: ({ transaction }) => client.stompClient.commit(transaction),
  abort: ({ transaction }) => client.stompClient.abort(transaction),
  cut: () => client.stompClient.forceDisconnect(),
  disconnect: () => client.deactivate(),
});
client.activate();
