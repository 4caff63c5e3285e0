"""Group logs in memory, their readers, and who may do what.

The modules are imported one by one: a server that nobody uses needs `access` alone.
"""
