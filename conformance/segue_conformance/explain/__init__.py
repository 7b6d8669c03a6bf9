"""`segue explain`: what a requirement, a check or an error code means, why it is there, and what it looks like.

Nothing here is written about any one of them: sentences and reasons are the chapters' own, examples are the schemas' or
come from checks performed in memory as one looks, and who breaks what stands in the committed reports.
"""
