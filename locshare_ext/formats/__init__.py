"""Files and frames that trails come from and go to."""
