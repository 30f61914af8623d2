"""The dataset on disk: records, their files, what is in them and whether they are whole."""
