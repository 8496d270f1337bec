select cast(start as date) as day, count(*) as trips, sum(price) as income
from {{ source('silver', 'trips') }} group by all order by all
