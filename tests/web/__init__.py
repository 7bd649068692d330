"""The duty-room page in a real Chromium, against a gateway that only pretends."""
