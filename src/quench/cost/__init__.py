"""What jobs cost before they run: core time, memory and disk. Plumbing, outside every fingerprint."""
