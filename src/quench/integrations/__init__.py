"""Callbacks that record trainings of other libraries by ``quench.record``; one module for each library."""
