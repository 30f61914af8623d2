"""`report.html`: the statistics of a dataset as one page for people."""
