"""Makes the bucket where it is not there yet; runs at each start, before the code location."""

import sys

from botocore.exceptions import ClientError
from botocore.session import Session

from lakehouse.settings import Settings


def main() -> None:
    """Makes the buckets of warehouse and landing with the credentials of the environment."""
    settings = Settings.load()
    client = Session().create_client("s3", endpoint_url=settings.s3_endpoint)
    for bucket in {url.split("/")[2] for url in (settings.warehouse, settings.landing)}:
        try:
            client.head_bucket(Bucket=bucket)
            print(f"bucket {bucket}: there")
        except ClientError as error:
            if error.response["Error"]["Code"] != "404":
                sys.exit(f"bucket {bucket}: {error}")
            client.create_bucket(Bucket=bucket)
            print(f"bucket {bucket}: made")


if __name__ == "__main__":
    main()
