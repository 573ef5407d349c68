"""The gateway: owns the conversation; the only service a client ever sees."""
