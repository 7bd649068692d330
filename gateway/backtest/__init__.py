"""Rule sets over stored samples: what would have been said, and in what two sets differ. Pure."""
