"""Language models the agent can think with. None of them knows of gRPC, sessions or history."""
