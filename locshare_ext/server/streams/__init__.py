"""How a group's log is read by every transport; long polls, event streams and plain WebSockets."""
