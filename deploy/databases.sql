-- Run once, when PostgreSQL makes its data folder: one database and one user for each purpose, so
-- that the web UI, which needs only Dagster's, cannot reach the tables or the models.
\set ON_ERROR_STOP on
\getenv catalog_password CATALOG_PASSWORD
\getenv dagster_password DAGSTER_PASSWORD
\getenv mlflow_password MLFLOW_PASSWORD

CREATE ROLE catalog LOGIN PASSWORD :'catalog_password';
CREATE ROLE dagster LOGIN PASSWORD :'dagster_password';
CREATE ROLE mlflow LOGIN PASSWORD :'mlflow_password';

CREATE DATABASE catalog OWNER catalog;
CREATE DATABASE dagster OWNER dagster;
CREATE DATABASE mlflow OWNER mlflow;

REVOKE CONNECT ON DATABASE catalog, dagster, mlflow FROM PUBLIC;
