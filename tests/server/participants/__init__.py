"""What participants come to."""
