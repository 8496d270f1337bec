"""What sensors and schedules start."""

import dagster as dg

from assets import adapter, metadata
from assets.instance import REFRESH
from assets.refreshing import refresh
from resources import Session


@dg.op
def bring_up_to_date(context: dg.OpExecutionContext, session: dg.ResourceParam[Session]) -> None:
    """Materializes what is stale, as runs of their own; ends red if anything was refused."""
    done = refresh(session, context.instance, {"lakehouse/refreshed_by": context.run.run_id})
    context.log.info(done.summary())
    context.add_output_metadata(metadata.metadata(done.facts()))
    if done.refusals():
        raise adapter.failure(done.refusals())


@dg.job(
    tags=REFRESH,
    executor_def=dg.in_process_executor,
    description="Asks planning what is stale and materializes exactly that: files, partitions, "
    "gold, models, predictions, monitors. Does nothing where all is up to date.",
)
def refresh_job() -> None:
    bring_up_to_date()
