"""From config.yaml to a job table: reading with positions, models, messages, JSON Schema."""
