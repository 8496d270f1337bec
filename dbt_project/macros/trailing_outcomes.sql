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
    Returns two columns from the history `alias` (see trailing_outcomes) of the last `days` days:

    <name>_late_rate_<days>d  the share of late arrivals, drawn towards that of all flights (alias n)
        as if `strength` more flights had been seen at it, so that two flights do not make a rate
        of 100 % (empirical Bayes shrinkage);
    <name>_late_lift_<days>d  that rate divided by all flights' rate: 1 is as late as usual. It does
        not move when all of New York has a better month, which a rate does.

    Both are NULL where no outcome is known yet, as on the first day.
-#}
{% macro rate_and_lift(name, alias, days, strength=20) -%}
    {%- set usual = 'n.late_' ~ days ~ 'd / n.outcomes_' ~ days ~ 'd' -%}
    {%- set rate -%}
        (coalesce({{ alias }}.late_{{ days }}d, 0) + {{ strength }} * {{ usual }})
        / (coalesce({{ alias }}.outcomes_{{ days }}d, 0) + {{ strength }})
    {%- endset -%}
    {{ rate }} as {{ name }}_late_rate_{{ days }}d,
    ({{ rate }}) / nullif({{ usual }}, 0) as {{ name }}_late_lift_{{ days }}d
{%- endmacro %}
