select id, cast(start as date) as day, hour(start) as hour, city, price
from {{ source('silver', 'trips') }} order by id
