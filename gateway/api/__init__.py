"""HTTP and WebSocket: what the duty room sees. Reads the runtime's views; decides nothing."""
