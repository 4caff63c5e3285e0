// A participant with @stomp/stompjs: reads commands as JSON lines, prints what happens as JSON lines.
import { createInterface } from "node:readline";
import { Client } from "@stomp/stompjs";
import WebSocket from "ws";

const [url, token, versions, sendAs] = process.argv.slice(2);
const say = (what) => process.stdout.write(JSON.stringify(what) + "\n");

const client = new Client({
  webSocketFactory: () => new WebSocket(url, versions.split(","), { headers: { "X-Locshare-Token": token } }),
  connectHeaders: { host: "locshare" }, // STOMP 1.1 and later ask for it, stompjs adds none
  heartbeatIncoming: 1000,
  heartbeatOutgoing: 1000,
  reconnectDelay: 0,
  splitLargeFrames: true,
  forceBinaryWSFrames: sendAs === "binary",
  onConnect: (frame) => say({ event: "connected", headers: frame.headers }),
  onStompError: (frame) => say({ event: "error", headers: frame.headers, body: frame.body }),
  onWebSocketClose: (close) => say({ event: "closed", code: close.code }),
  onUnhandledReceipt: (frame) => say({ event: "receipt", headers: frame.headers }),
  onHeartbeatLost: () => say({ event: "heartbeat-lost" }),
});

const commands = {
  subscribe: ({ destination, headers }) =>
    client.subscribe(destination, (m) => say({ event: "message", headers: m.headers, body: m.body }), headers),
  publish: ({ destination, headers, body }) => client.publish({ destination, headers, body }),
  unsubscribe: ({ id, headers }) => client.unsubscribe(id, headers),
  disconnect: () => client.deactivate(),
};

createInterface({ input: process.stdin })
  .on("line", (line) => {
    const { command, ...rest } = JSON.parse(line);
    commands[command](rest);
  })
  .on("close", () => process.exit(0));
client.activate();
