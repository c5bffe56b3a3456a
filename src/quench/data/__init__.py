"""Raw images to the dataset file: loading, checksums, standardisation, PCA, labels."""
