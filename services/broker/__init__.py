"""Topics and messages on Kafka, and the settings to reach a broker."""
