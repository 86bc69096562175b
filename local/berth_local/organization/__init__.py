"""The seed: an organization with its core accounts, network, roles and clusters, made through AWS's own APIs."""
