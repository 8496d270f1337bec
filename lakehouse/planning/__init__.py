"""The only place that decides what is stale; status, run, sensors and the workflows ask it.

Staleness is computed from recorded versions: deliveries, contract fingerprints, code versions and
snapshots. The clock takes part only where a contract limits how long rows are kept.
"""

from lakehouse.planning.arrivals import arrivals
from lakehouse.planning.holding import Holding
from lakehouse.planning.plan import Plan, Step, plan
from lakehouse.planning.silver import SilverState

__all__ = ["Holding", "Plan", "SilverState", "Step", "arrivals", "plan"]
