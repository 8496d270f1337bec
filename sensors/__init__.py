"""When things happen: at the arrival of files, at drift, and by the calendar."""
