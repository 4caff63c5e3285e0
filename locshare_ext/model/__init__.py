"""The nouns: fixes, events, cursors, names, and what a store must do. No I/O."""
