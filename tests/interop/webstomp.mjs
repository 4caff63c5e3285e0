// A participant with webstomp-client.
import webstomp from "webstomp-client";
import { connectHeaders, heard, obey, openSocket, options, say } from "./talk.mjs";

const client = webstomp.over(openSocket(), {
  binary: options.binary,
  debug: false,
  protocols: options.versions,
  heartbeat: { outgoing: options.heartbeat, incoming: options.heartbeat },
});
client.onreceipt = (frame) => say({ event: "receipt", headers: frame.headers });
client.connect(
  connectHeaders,
  (frame) => say({ event: "connected", headers: frame.headers }),
  (fault) => fault.command === "ERROR" && say({ event: "error", headers: fault.headers, body: fault.body }),
);

obey({
  subscribe: ({ destination, headers }) => client.subscribe(destination, heard, headers),
  publish: ({ destination, headers, body }) => client.send(destination, body, headers),
  unsubscribe: ({ id, headers }) => client.unsubscribe(id, headers),
  begin: ({ transaction }) => client.begin(transaction),
  commit: ({ transaction }) => client.commit(transaction),
  abort: ({ transaction }) => client.abort(transaction),
  disconnect: () => client.disconnect(),
});
