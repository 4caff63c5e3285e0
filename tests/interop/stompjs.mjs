// A participant with @stomp/stompjs.
import { Client, Versions } from "@stomp/stompjs";
import { connectHeaders, heard, obey, openSocket, options, say } from "./talk.mjs";

const client = new Client({
  webSocketFactory: openSocket,
  stompVersions: new Versions(options.speaks ?? ["1.2", "1.1", "1.0"]),
  connectHeaders, // with `host`: STOMP 1.1 and later ask for it, stompjs adds none
  heartbeatIncoming: options.heartbeat,
  heartbeatOutgoing: options.heartbeat,
  reconnectDelay: options.reconnectDelay ?? 0,
  splitLargeFrames: options.splitLargeFrames ?? true,
  forceBinaryWSFrames: options.binary,
  appendMissingNULLonIncoming: options.appendMissingNULLonIncoming ?? false,
  onConnect: (frame) => say({ event: "connected", headers: frame.headers }),
  onStompError: (frame) => say({ event: "error", headers: frame.headers, body: frame.body }),
  onUnhandledReceipt: (frame) => say({ event: "receipt", headers: frame.headers }),
  onHeartbeatReceived: () => say({ event: "heartbeat" }),
  onHeartbeatLost: () => say({ event: "heartbeat-lost" }),
});

obey({
  subscribe: ({ destination, headers }) => client.subscribe(destination, heard, headers),
  publish: ({ destination, headers, body, binary }) =>
    client.publish({ destination, headers, body, binaryBody: binary && Buffer.from(binary, "base64") }),
  unsubscribe: ({ id, headers }) => client.unsubscribe(id, headers),
  begin: ({ transaction }) => client.begin(transaction),
  commit: ({ transaction }) => client.commit(transaction),
  abort: ({ transaction }) => client.abort(transaction),
  cut: () => client.forceDisconnect(),
  disconnect: () => client.deactivate(),
});
client.activate();
