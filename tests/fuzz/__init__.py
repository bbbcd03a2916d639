"""What parses, given anything: targets, their seeds, and how they are fuzzed."""
