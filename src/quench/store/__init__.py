"""NetCDF files that are complete or absent, and the contents that each kind of file must have."""
