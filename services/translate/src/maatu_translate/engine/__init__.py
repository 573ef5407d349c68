"""What translates. Knows nothing of gRPC."""
