-- One row per flight, with only what was known before it departed.
--
-- Schedule and aircraft are known days ahead. Weather is the observation of the scheduled hour at
-- the origin, which stands for the short-range forecast that is at hand before departure. Delay
-- rates use outcomes that became known on earlier New York days only (see flight_outcomes); a day's
-- own rows never enter. What the flight itself later did (dep_time, dep_delay, arr_time, air_time)
-- is read nowhere in this file, except for the label.

with outcomes as materialized (
    select *, sched_dep_time // 100 as sched_hour from {{ ref('flight_outcomes') }}
),

network_history as ({{ trailing_outcomes([], [1, 7, 28]) }}),
origin_history as ({{ trailing_outcomes(['origin'], [1, 7]) }}),
carrier_history as ({{ trailing_outcomes(['carrier'], [1, 28]) }}),
dest_history as ({{ trailing_outcomes(['dest'], [7, 28]) }}),
origin_carrier_history as ({{ trailing_outcomes(['origin', 'carrier'], [7, 28]) }}),
route_history as ({{ trailing_outcomes(['origin', 'dest'], [28]) }}),
flight_history as ({{ trailing_outcomes(['carrier', 'flight', 'origin'], [28]) }}),
tail_history as ({{ trailing_outcomes(['tailnum'], [28]) }}),
hour_history as ({{ trailing_outcomes(['origin', 'sched_hour'], [28]) }}),

weather as (
    select
        *,
        sum(precip) over last_6h as precip_6h,
        min(visib) over last_6h as visib_min_6h
    from {{ source('silver', 'weather') }}
    window last_6h as (
        partition by origin order by time_hour
        range between interval 6 hours preceding and interval 1 hour preceding
    )
),

scheduled as (
    select
        *,
        60 * (sched_dep_time // 100) + sched_dep_time % 100 as departure_minute,
        60 * (sched_arr_time // 100) + sched_arr_time % 100 as arrival_minute,
        count(*) over (partition by origin, time_hour) as origin_hour_flights,
        count(*) over (partition by origin, flight_date) as origin_day_flights,
        row_number() over (
            partition by tailnum, flight_date order by sched_dep_time, carrier, flight, origin
        ) as leg
    from {{ source('silver', 'flights') }}
)

select
    -- Key and time
    cast(f.year as integer) as year,
    cast(f.month as integer) as month,
    cast(f.day as integer) as day,
    f.carrier,
    cast(f.flight as integer) as flight,
    f.origin,
    f.flight_date,
    f.time_hour,
    -- Outcome: what a label is made of, never an input
    cast(f.arr_delay as integer) as arr_delay,
    -- Schedule
    f.dest,
    cast(f.distance as integer) as distance,
    cast(isodow(f.flight_date) as integer) as weekday,
    cast(f.departure_minute as integer) as departure_minute,
    cast(f.arrival_minute as integer) as arrival_minute,
    cast((f.arrival_minute - f.departure_minute + 1440) % 1440 as integer) as clock_duration,
    cast(f.origin_hour_flights as integer) as origin_hour_flights,
    cast(f.origin_day_flights as integer) as origin_day_flights,
    cast(case when f.tailnum is not null then f.leg end as integer) as tail_leg,
    -- Weather at the origin
    w.temp,
    w.dewp,
    w.humid,
    cast(w.wind_dir as integer) as wind_dir,
    w.wind_speed,
    w.wind_gust,
    w.precip,
    w.pressure,
    w.visib,
    w.precip_6h,
    w.visib_min_6h,
    -- Aircraft
    cast(f.year - p.year as integer) as plane_age,
    cast(p.seats as integer) as plane_seats,
    cast(p.engines as integer) as plane_engines,
    case
        when p.manufacturer like 'AIRBUS%' then 'airbus'
        when p.manufacturer like 'BOEING%' then 'boeing'
        when p.manufacturer like 'EMBRAER%' then 'embraer'
        when p.manufacturer like 'BOMBARDIER%' or p.manufacturer like 'CANADAIR%' then 'bombardier'
        when p.manufacturer like 'MCDONNELL%' or p.manufacturer like 'DOUGLAS%' then 'mcdonnell'
        when p.manufacturer is not null then 'other'
    end as plane_manufacturer,
    -- Late arrivals that became known on earlier days: the rate, and the lift over all flights'
    n.late_1d / n.outcomes_1d as late_rate_1d,
    n.late_7d / n.outcomes_7d as late_rate_7d,
    n.late_28d / n.outcomes_28d as late_rate_28d,
    {{ rate_and_lift('origin', 'oh', 1) }},
    {{ rate_and_lift('origin', 'oh', 7) }},
    {{ rate_and_lift('carrier', 'ch', 1) }},
    {{ rate_and_lift('carrier', 'ch', 28) }},
    {{ rate_and_lift('dest', 'dh', 7) }},
    {{ rate_and_lift('dest', 'dh', 28) }},
    {{ rate_and_lift('origin_carrier', 'och', 7) }},
    {{ rate_and_lift('origin_carrier', 'och', 28) }},
    {{ rate_and_lift('route', 'rh', 28) }},
    {{ rate_and_lift('flight', 'fh', 28, strength=5) }},
    {{ rate_and_lift('tail', 'th', 28) }},
    {{ rate_and_lift('hour', 'hh', 28) }}
from scheduled as f
left join weather as w on f.origin = w.origin and f.time_hour = w.time_hour
left join {{ source('silver', 'planes') }} as p on f.tailnum = p.tailnum
left join network_history as n on f.flight_date = n.as_of
left join origin_history as oh on f.flight_date = oh.as_of and f.origin = oh.origin
left join carrier_history as ch on f.flight_date = ch.as_of and f.carrier = ch.carrier
left join dest_history as dh on f.flight_date = dh.as_of and f.dest = dh.dest
left join origin_carrier_history as och
    on f.flight_date = och.as_of and f.origin = och.origin and f.carrier = och.carrier
left join route_history as rh
    on f.flight_date = rh.as_of and f.origin = rh.origin and f.dest = rh.dest
left join flight_history as fh
    on f.flight_date = fh.as_of and f.carrier = fh.carrier and f.flight = fh.flight
    and f.origin = fh.origin
left join tail_history as th on f.flight_date = th.as_of and f.tailnum = th.tailnum
left join hour_history as hh
    on f.flight_date = hh.as_of and f.origin = hh.origin and f.sched_dep_time // 100 = hh.sched_hour
order by year, month, day, carrier, flight, origin
