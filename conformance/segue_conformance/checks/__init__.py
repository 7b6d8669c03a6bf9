"""The checks: a file a feature, a function a requirement.

`pytest --pyargs segue_conformance.checks --segue-url URL` runs them without `segue check`.
"""
