"""The user's Celery app, as a worker of theirs loads it: each task it performs is a line of JSON in $SHOP_BOOK."""

import json
import os
from pathlib import Path
from typing import Any

from celery import Celery

app = Celery("shop", broker=os.environ["SHOP_BROKER"])
app.conf.worker_hijack_root_logger = False
app.conf.broker_connection_retry_on_startup = True


@app.task(name="shop.record", bind=True)
def record(self: Any, *args: object, **kwargs: object) -> None:
    request = self.request
    facts = {"id": request.id, "args": args, "kwargs": kwargs, "queue": request.delivery_info["routing_key"]}
    with Path(os.environ["SHOP_BOOK"]).open("a") as book:
        print(json.dumps({**facts, "headers": request.headers}), file=book, flush=True)
