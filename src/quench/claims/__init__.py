"""What the papers claim, judged on this run's results."""
