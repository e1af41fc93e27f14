"""The Celery app whose worker is a receiver."""

import os
from pathlib import Path
from typing import Any

from celery import Celery

from tests.faults.receiver import accept

app = Celery("receiver", broker=os.environ["RECEIVER_BROKER"])
app.conf.worker_hijack_root_logger = False
app.conf.broker_connection_retry_on_startup = True


@app.task(name="receiver.accept", bind=True)
def perform(self: Any) -> None:
    accept(Path(os.environ["RECEIVER_FOLDER"]), self.request.id, self.request.headers["leasebeat_attempt"])
