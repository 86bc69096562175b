"""The gateway of the local AWS: a proxy that sees every call, the Lambda host, and the pollers of the event sources."""
