"""Long polls, SSE and plain WebSockets: readers of a group's log besides STOMP's."""
