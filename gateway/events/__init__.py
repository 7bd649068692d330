"""What an event may be: one module a family. `gateway.event` is the union of them all, and its form on disk."""
