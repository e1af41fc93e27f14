"""One replica, put together: the only room that constructs the parts and connects them.

config ──► table, settings ──┬─► Election ─► Campaign ─► CampaignLoop ◄─ Watch
                             │                  │ ▲           │
                             │              Work│ │wake       │ LeaseStore
                             │                  ▼ │           ▼
                             └─────────────► Dispatch      kubernetes │ sqlite │ memory
                                              │  ▲ ▲
                                   RunOrder   │  │ └── Alarm (APScheduler)
                                              ▼  │ RunNews
                                            Runners: supervisor process, threads, Jobs

All of them tell a Feed, which is the log and whoever listens to it (`listeners.py`). Beside them the health server,
which asks the loop, the campaign and those listeners.
"""
