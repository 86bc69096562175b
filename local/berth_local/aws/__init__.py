"""moto_server, repaired where Berth's pipeline would otherwise meet something that AWS does not do.

Every module here repairs one subject and has one public function, `install`. What still differs is in DIFFERENCES.md.
"""
