"""From config.yaml to the job table: reading with positions, models, messages, and the JSON Schema.

`loading.py` is the way in. A file passes through `text/` (bytes to text, text to a tree of nodes that know where they
stand), `checking.py` (is each value what `models/` say of its key), `schedules.py`, `rules/` (what keys may not
contradict, whether what the file refers to is there, what is probably not meant) and `building.py` (the core's own
types). Every mistake on the way is a `Mistake`, which knows what was expected; the document adds where it stands, and
`report.py` prints them. Whether the Python functions of jobs and hooks can be called is asked apart, in `imports.py`,
because the answer runs code that is not ours.
"""
