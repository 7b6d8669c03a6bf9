"""Client bindings generated from Segue's JSON Schemas: `segue bindings LANGUAGE --out DIR`.

One module for each language; each returns the files as text, and `output` writes them. What is generated
needs nothing of this package.
"""
