"""The agent service: it thinks, in its own language, and remembers what was heard."""
