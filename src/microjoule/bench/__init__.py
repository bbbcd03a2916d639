"""The energy of an inference server under load: requests beside what a counter counted."""
