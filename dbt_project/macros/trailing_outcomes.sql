{#-
    Returns a query with one row per combination of `keys` and `as_of` day that has a flight
    scheduled: how many outcomes became known in the `windows` (days) before that day, and how many
    of them were late. The day itself never counts: every frame ends one day before `as_of`.

    Arguments:
        keys: columns of flight_outcomes that say whose history it is; empty means all flights.
        windows: lengths in days, e.g. [7, 28].

    Columns: keys, as_of, and for each window outcomes_<days>d, late_<days>d.
-#}
{% macro trailing_outcomes(keys, windows) -%}
    {%- set key_list = keys | map('string') | join(', ') -%}
    {%- set prefix = key_list ~ ', ' if keys else '' -%}
    select
        {{ prefix }}as_of
        {%- for days in windows %}
        , sum(outcomes) over last_{{ days }}d as outcomes_{{ days }}d
        , sum(late) over last_{{ days }}d as late_{{ days }}d
        {%- endfor %}
    from (
        select {{ prefix }}as_of, sum(outcomes) as outcomes, sum(late) as late
        from (
            select {{ prefix }}known_date as as_of, 1 as outcomes, late_arrival as late
            from outcomes
            where late_arrival is not null
            union all
            -- Days on which a flight is scheduled but no outcome became known need a row, too.
            select distinct {{ prefix }}flight_date, 0, 0
            from outcomes
        )
        group by all
    )
    window
    {%- for days in windows %}
        last_{{ days }}d as (
            {%- if keys %}
            partition by {{ key_list }}
            {%- endif %}
            order by as_of
            range between interval {{ days }} days preceding and interval 1 day preceding
        ){{ ',' if not loop.last }}
    {%- endfor %}
{%- endmacro %}

{#-
    Returns a share drawn towards `prior` as if `strength` more flights had been seen at that rate,
    so that two flights do not make a rate of 100 % (an empirical Bayes shrinkage; NULL without any
    prior, as on the first day).
-#}
{% macro shrunk_rate(late, outcomes, prior, strength=20) -%}
    (coalesce({{ late }}, 0) + {{ strength }} * {{ prior }}) / (coalesce({{ outcomes }}, 0) + {{ strength }})
{%- endmacro %}
