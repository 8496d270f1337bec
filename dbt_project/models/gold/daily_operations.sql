-- One row per day (scheduled, New York clock), origin and carrier.

select
    flight_date,
    origin,
    carrier,
    cast(count(*) as integer) as flights,
    cast(count(dep_time) as integer) as departed,
    cast(count(*) - count(dep_time) as integer) as cancelled,
    cast(count(arr_delay) as integer) as arrived,
    avg(dep_delay) as mean_departure_delay,
    quantile_cont(dep_delay, 0.5) as median_departure_delay,
    quantile_cont(dep_delay, 0.9) as p90_departure_delay,
    avg(arr_delay) as mean_arrival_delay,
    quantile_cont(arr_delay, 0.5) as median_arrival_delay,
    quantile_cont(arr_delay, 0.9) as p90_arrival_delay,
    avg(cast(dep_delay > 15 as integer)) as late_departure_share,
    avg(cast(arr_delay > 15 as integer)) as late_arrival_share,
    1 - count(dep_time) / count(*) as cancelled_share
from {{ source('silver', 'flights') }}
group by flight_date, origin, carrier
order by flight_date, origin, carrier
