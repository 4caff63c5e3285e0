"""The API described: an OpenAPI 3.1 document, made when somebody asks for it.

One module for each thing that there are endpoints for, with their operations (`PATHS`) and the
schemas of what they take and give (`SCHEMAS`). Ranges, names and defaults come from where they
are checked.
"""
