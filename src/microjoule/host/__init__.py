"""What is known about a machine, and the files in which it is stored: calibration and sampling cost."""
