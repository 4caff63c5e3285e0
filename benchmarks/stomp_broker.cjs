// stomp-broker-js as its README starts it, on the port that is given.
const http = require("http");
const StompServer = require("stomp-broker-js");

const server = http.createServer();
new StompServer({ server, path: "/stomp" });
server.listen(Number(process.argv[2]), "127.0.0.1", 4096);
