"""Getting models: what there is to get, where it comes from, and how it is made ready for the services."""
