"""The local AWS: a whole organization on one machine, for the demo, for the tests, and for whoever works on Berth."""
