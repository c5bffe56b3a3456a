"""The spherical p-spin glass after a quench: Cugliandolo-Kurchan equations by collocation in logarithmic time."""
