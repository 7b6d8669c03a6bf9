"""Transcripts: everything that a run sent and received, a line each, and the grading of it again without a request.

`writing` makes one while a run goes on, `reading` reads it, `replay` stands in the endpoint's place with what was
recorded, and `regrade` lets today's checks run on that.
"""
