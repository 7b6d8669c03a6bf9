"""`segue check-client`: judges an agent by what an endpoint that is broken on purpose sees of it.

An agent's command is run once for each scenario, against the reference endpoint behind a front (`front`) that sees
every message and breaks what the scenario says. The verdict rests on what was seen alone, and on the exit code.
"""
