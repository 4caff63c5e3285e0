"""What the specifications of STOMP 1.0, 1.1 and 1.2 ask for, against a running server.

Each test carries `spec("VERSION SECTION")`: which words it holds the server to. What is ours to
choose is marked `choice`.
"""
