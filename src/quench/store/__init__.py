"""NetCDF files that are complete or absent, and what each kind of file holds."""
