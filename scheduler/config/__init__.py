"""From config.yaml to the job table: reading with positions, models, messages, and the JSON Schema.

`loading.py` is the way in. A file passes through `files.py` (bytes to text), `reading.py` (text to a tree of nodes that
know where they stand), `checking.py` (is each value what `models.py`, `setting_models.py`, `policy_models.py` and
`action_models.py` say of its key), `schedules.py`, `rules.py` and `action_rules.py` (what keys may not contradict),
`lookups.py` (is there what the file refers to), `suspicions.py` (what is probably not meant) and `building.py` (the
core's own types). Every mistake on the way is a `Mistake`, which knows what was expected; the document adds where it
stands, and `report.py` prints them. Whether the Python functions of jobs and hooks can be called is asked apart, in
`imports.py`, because the answer runs code that is not ours.
"""
