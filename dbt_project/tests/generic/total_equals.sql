{#- Fails unless the sum of `expression` over the model is the number of rows of `source_relation`. -#}
{% test total_equals(model, source_relation, expression='1') %}
    select mine.total, theirs.total as expected
    from (select coalesce(sum({{ expression }}), 0) as total from {{ model }}) as mine,
        (select count(*) as total from {{ source_relation }}) as theirs
    where mine.total != theirs.total
{% endtest %}
