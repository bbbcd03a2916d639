"""An archive of traces: their readings as a Parquet dataset, and a catalogue of their windows."""
