"""What is in this lake: declarations, the sample source, and one factory per kind of asset."""
