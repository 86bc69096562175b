"""The loader: makes what the SAM templates in `infra/` declare, by API calls to the local AWS."""
