"""Recognition: voice activity, segmenting, decoding. Knows nothing of gRPC."""
