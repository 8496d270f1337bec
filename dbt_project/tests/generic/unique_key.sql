{#- Fails with every combination of `columns` that occurs more than once. -#}
{% test unique_key(model, columns) %}
    select {{ columns | join(', ') }}, count(*) as rows_with_key
    from {{ model }}
    group by all
    having count(*) > 1
{% endtest %}
