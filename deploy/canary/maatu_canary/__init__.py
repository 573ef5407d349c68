"""A canary of one component of a Maatu release, driven by kubectl: start, weight, watch, promote, abort.

All state is in the cluster: annotations of the canary's Deployment say what it tries and how far it is, the ConfigMap of
traffic (and, at the edge, the GRPCRoute) says how many conversations it gets. So any step can be run again, by anyone.
"""
