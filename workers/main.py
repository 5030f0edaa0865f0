"""The worker role: Dramatiq's parent process, which starts and watches the worker processes."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from config.exposition import discard_metrics, prepare_metrics, serve_metrics
from domain.kernel.errors import InvalidInputError
from domain.queue.names import QUEUES

if TYPE_CHECKING:
    from config.settings import Settings

PROCESS: Final = "workers.process:start"
SHUTDOWN_SECONDS: Final = 25
"""How long a worker that is told to stop waits for its jobs before it hands them back."""


def run_worker(settings: Settings, queues: Sequence[str] = (), *, process: str = PROCESS) -> int:
    """Run the worker role until it is told to stop; return its exit status. Raises InvalidInputError.

    `process` is what each worker process calls at its start ("module:function"); one that knows more kinds of jobs
    wraps ours.
    """
    unknown = sorted(set(queues).difference(QUEUES))
    if unknown:
        raise InvalidInputError(f"No such queue: {', '.join(unknown)}. There are: {', '.join(QUEUES)}.")
    prepare_metrics(settings.data_dir, "worker")
    server = serve_metrics(settings.metrics_host, settings.metrics_port_of("worker"))
    os.environ["GATEHOUSE_WORKER_QUEUES"] = " ".join(queues)
    sys.argv = ["gatehouse worker"]
    from dramatiq import cli  # noqa: PLC0415  after the metrics directory is named

    arguments = cli.make_argument_parser().parse_args(  # type: ignore[no-untyped-call]
        [
            process,
            *("--processes", str(settings.worker_processes)),
            *("--threads", str(settings.worker_threads)),
            *("--worker-shutdown-timeout", str(SHUTDOWN_SECONDS * 1000)),
            # Started fresh, not forked: this process has a thread that serves the metrics.
            "--use-spawn",
            "--skip-logging",
        ]
    )
    try:
        return int(cli.main(arguments) or 0)  # type: ignore[no-untyped-call]
    finally:
        server.close()
        discard_metrics()
