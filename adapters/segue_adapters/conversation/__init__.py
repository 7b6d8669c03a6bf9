"""A conversation: the items are held here, so that whatever an endpoint loses, nothing is lost.

| file | idea |
|---|---|
| `history` | the items and the chain over them |
| `plan` | what to send: the smallest request that is right |
| `rules` | what to do about an error: tables, by advice and effect |
| `driver` | one turn from its start to its end, as a machine without sockets |
| `roads` | which endpoint and wire are used, and which were ruled out |
| `lines` | connections: opened, watched, replaced before they end |
| `answer` | runs the machine on the connections: what a caller reads |
| `conversation` | the face |
"""
