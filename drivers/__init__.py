"""The outside world in, sample batches out; commands out, receipts in. One folder a protocol."""
