{#- Fails when less than the share `at_least` of the rows has a value: a join that finds nothing. -#}
{% test known_share(model, column_name, at_least) %}
    select count({{ column_name }}) as known, count(*) as total
    from {{ model }}
    having count({{ column_name }}) < {{ at_least }} * count(*)
{% endtest %}
