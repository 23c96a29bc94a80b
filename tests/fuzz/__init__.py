"""`make fuzz`: whatever anybody sends, nothing breaks and nothing wrong is believed."""
