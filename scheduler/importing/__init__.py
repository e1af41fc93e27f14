"""Other schedulers' tables read as ours: what `leasebeat import` writes, with a comment beside all that differs."""
