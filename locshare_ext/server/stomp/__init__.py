"""The STOMP endpoint: WebSocket, session, commands, and the readers of logs and topics behind them."""
