"""Emulated phones: fixes as the requests that phone apps make of them, with each app's queue and rules.

What an app sends and how it goes on after a failure was read in the apps' own sources. Nothing here
knows how the server reads it: encoders and decoders are written apart, so that each checks the other.

    shapes      what a phone measures, and the requests it makes
    apps        all apps by name: the encoder of each, and the rules of its queue
    phone       one phone: what it has queued and when it sends; no I/O, no clock
    network     a network that loses requests and has holes, by a seed
    fleet       many phones against one server, on a clock that runs or is simulated
"""
