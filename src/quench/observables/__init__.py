"""What is measured on a trajectory: overlap, displacement, non-Gaussianity, relaxation times."""
