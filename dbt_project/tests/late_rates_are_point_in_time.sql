-- Recomputes histories of single days from the source, by another way than the model's windows:
-- for the last, the middle and the second day of the table, all outcomes that were known by then
-- are selected one by one. A history that included the day itself, or an outcome that only became
-- known on it, would differ.

with outcomes as (
    select * from {{ ref('flight_outcomes') }} where late_arrival is not null
),

days as (
    select unnest([
        max(flight_date),
        min(flight_date) + cast((max(flight_date) - min(flight_date)) / 2 as integer),
        min(flight_date) + 1
    ]) as flight_date
    from {{ ref('flight_features') }}
),

asked as (
    select distinct features.flight_date, carrier, origin, late_rate_1d, late_rate_28d,
        carrier_late_rate_28d, origin_late_rate_1d
    from {{ ref('flight_features') }} as features
    semi join days on features.flight_date = days.flight_date
),

recomputed as (
    select
        asked.*,
        avg(o.late_arrival) filter (o.known_date = asked.flight_date - 1) as usual_1d,
        avg(o.late_arrival) as usual_28d,
        count(*) filter (o.carrier = asked.carrier) as carrier_outcomes,
        coalesce(sum(o.late_arrival) filter (o.carrier = asked.carrier), 0) as carrier_late,
        count(*) filter (o.origin = asked.origin and o.known_date = asked.flight_date - 1)
            as origin_outcomes,
        coalesce(sum(o.late_arrival) filter (
            o.origin = asked.origin and o.known_date = asked.flight_date - 1
        ), 0) as origin_late
    from asked
    left join outcomes as o
        on o.known_date < asked.flight_date
        and o.known_date >= asked.flight_date - 28
        and o.flight_date < asked.flight_date
    group by all
)

select *
from recomputed
where coalesce(abs(late_rate_1d - usual_1d), 0) > 1e-9
    or coalesce(abs(late_rate_28d - usual_28d), 0) > 1e-9
    or coalesce(abs(
        carrier_late_rate_28d - (carrier_late + 20 * usual_28d) / (carrier_outcomes + 20)
    ), 0) > 1e-9
    or coalesce(abs(
        origin_late_rate_1d - (origin_late + 20 * usual_1d) / (origin_outcomes + 20)
    ), 0) > 1e-9
    or (late_rate_28d is null) != (usual_28d is null)
