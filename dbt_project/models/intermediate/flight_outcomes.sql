-- One row per flight: whether it arrived late, and the New York day on which that became known.
--
-- Which clock: `flight_date` is the scheduled day in New York, where all flights of this table
-- leave. A flight of the 4th that lands at 00:40 on the 5th (New York clock) has no outcome yet when
-- the 5th begins, so its `known_date` is the 5th and it counts for the 6th and later. The arrival
-- instant is the departure instant plus the gate-to-gate time, which is the difference of the two
-- clock readings once both are on the destination's clock. Destinations that the airports table
-- lacks have no known clock: for them four hours are added to the time in the air, longer than
-- the longest taxiing on record (235 minutes), so an outcome counts later rather than too early.

with departures as (
    select
        flights.*,
        time_hour + to_minutes(minute) + to_minutes(dep_delay) as departed_at,
        airports.tzone as dest_zone
    from {{ source('silver', 'flights') }} as flights
    left join {{ source('silver', 'airports') }} as airports
        on flights.dest = airports.faa
),

durations as (
    select
        *,
        60 * (arr_time // 100) + arr_time % 100 as arrived_minute,
        60 * hour(timezone(dest_zone, departed_at))
        + minute(timezone(dest_zone, departed_at)) as departed_minute
    from departures
)

select
    flight_date,
    sched_dep_time,
    carrier,
    flight,
    tailnum,
    origin,
    dest,
    -- Cancelled and diverted flights have no arrival delay and so no outcome.
    case when arr_delay is not null then cast(arr_delay > 15 as integer) end as late_arrival,
    greatest(
        flight_date,
        cast(
            timezone(
                'America/New_York',
                departed_at + to_minutes(coalesce(
                    (arrived_minute - departed_minute + 1440) % 1440, air_time + 240
                ))
            ) as date
        )
    ) as known_date
from durations
