"""The simulated plant's sockets: what the plant file describes, served from the model."""
