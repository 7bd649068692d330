"""What moves: intake, the tick loop, and the followers of the journal. Decides nothing itself."""
