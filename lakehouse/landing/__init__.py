"""Takes landed files into bronze, and keeps what people decide about their deliveries."""

from lakehouse.landing.deciding import Decided, decide, replay
from lakehouse.landing.taking import Receipt, land

__all__ = ["Decided", "Receipt", "decide", "land", "replay"]
