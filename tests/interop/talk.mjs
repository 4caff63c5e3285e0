// What the clients share: commands come as JSON lines, what happens goes out as JSON lines.
import { createInterface } from "node:readline";
import WebSocket from "ws";

const [url, token, settings = "{}"] = process.argv.slice(2);

// versions: sub-protocols; binary: send all as binary; passcode: instead of the token; the rest as each client knows it
export const options = { passcode: token, versions: [], binary: false, heartbeat: 1000, ...JSON.parse(settings) };
export const connectHeaders = { host: "locshare", login: "interop", passcode: options.passcode };
export const say = (what) => process.stdout.write(JSON.stringify(what) + "\n");
export const openSocket = () => {
  const socket = new WebSocket(url, options.versions);
  socket.binaryType = "arraybuffer";
  socket.addEventListener("close", ({ code }) => say({ event: "closed", code })); // not all clients tell
  return socket;
};

const unsettled = new Map(); // message-id -> the client's message

export const heard = (message) => {
  unsettled.set(message.headers["message-id"], message);
  const binary = message.binaryBody && Buffer.from(message.binaryBody).toString("base64");
  say({ event: "message", headers: message.headers, body: message.body, binary });
};

export const obey = (commands) => {
  const all = {
    ack: ({ id, headers }) => unsettled.get(id).ack(headers ?? {}),
    nack: ({ id, headers }) => unsettled.get(id).nack(headers ?? {}),
    ...commands,
  };
  createInterface({ input: process.stdin })
    .on("line", (line) => {
      const { command, ...rest } = JSON.parse(line);
      all[command](rest);
    })
    .on("close", () => process.exit(0));
};
