{#- Fails when the column holds but one value: a history whose join finds nothing is always "as usual". -#}
{% test varies(model, column_name) %}
    select min({{ column_name }}) as lowest, max({{ column_name }}) as highest
    from {{ model }}
    having max({{ column_name }}) - min({{ column_name }}) < 1e-6
{% endtest %}
