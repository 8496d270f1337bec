{# Loads the DuckDB extensions that the silver views need, from the files the engine names. #}
{% macro load_extensions() %}
    {% for file in env_var('LAKEHOUSE_DUCKDB_EXTENSIONS', '').split(':') if file %}
        load '{{ file }}';
    {% endfor %}
{% endmacro %}
