"""What participants come to: pages and phone apps, with an invite and no login."""
