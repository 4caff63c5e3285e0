"""The live map in the notebook."""
