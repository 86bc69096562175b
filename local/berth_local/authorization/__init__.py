"""Authorization as IAM does it: what a call asks for (`requests`), what a caller has (`principals`), and the decision."""
