"""Points the catalog at metadata that is there already: a backup's, or that of a moved lake."""

from __future__ import annotations

from collections.abc import Mapping

from pyiceberg.catalog.sql import IcebergNamespaceProperties, IcebergTables
from sqlalchemy import delete
from sqlalchemy.orm import Session

from lakehouse.catalog.catalog import Catalog
from lakehouse.catalog.opening import NAME


def point(catalog: Catalog, locations: Mapping[str, str]) -> None:
    """Makes the tables of `locations` all that the catalog has, in one database transaction.

    Args:
        catalog: The catalog; what it has now is forgotten, no file is touched.
        locations: Metadata location by table name.

    Raises:
        UsageError: It is a REST catalog, whose tables only its server points.
    """
    namespaces = sorted({name.split(".", 1)[0] for name in locations})
    with Session(catalog.engine) as session, session.begin():
        for kind in (IcebergTables, IcebergNamespaceProperties):
            session.execute(delete(kind).where(kind.catalog_name == NAME))
        for namespace in namespaces:
            session.add(
                IcebergNamespaceProperties(
                    catalog_name=NAME,
                    namespace=namespace,
                    property_key="exists",
                    property_value="true",
                )
            )
        for table, location in locations.items():
            namespace, name = table.split(".", 1)
            session.add(
                IcebergTables(
                    catalog_name=NAME,
                    table_namespace=namespace,
                    table_name=name,
                    metadata_location=location,
                    previous_metadata_location=None,
                )
            )
