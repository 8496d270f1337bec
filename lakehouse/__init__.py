"""An open lakehouse: contracts in, trusted Iceberg tables, features, models and monitors out."""
