-- An outcome may not be known before the New York day on which the flight could at the earliest
-- have landed: its departure plus its time in the air, without any taxiing.

select flights.flight_date, flights.carrier, flights.flight, flights.origin, outcomes.known_date
from {{ source('silver', 'flights') }} as flights
join {{ ref('flight_outcomes') }} as outcomes
    using (flight_date, carrier, flight, origin)
where flights.arr_delay is not null
    and outcomes.known_date < cast(timezone(
        'America/New_York',
        flights.time_hour + to_minutes(flights.minute) + to_minutes(flights.dep_delay)
        + to_minutes(flights.air_time)
    ) as date)
